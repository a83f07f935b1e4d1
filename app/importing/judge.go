package importing

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/store"
	"latchkey/app/user"
)

// judge says what lines do by the rows as they stand, what is wrong with them,
// and the strictest answer to whether the actor may.
func (s *Service) judge(tx *store.Tx, tenantID, actorID string, lines []Line) (Judged, []Problem, access.Answer, error) {
	w, err := look(tx, tenantID, lines)
	if err != nil {
		return Judged{}, nil, access.No, err
	}
	var j Judged
	var problems []Problem
	for _, line := range lines {
		w.listed[line.Name] = true
	}
	for _, line := range lines {
		change, wrong := w.change(line)
		if change.managed() && len(wrong) == 0 {
			j.Managed++
		}
		switch {
		case len(wrong) > 0:
			problems = append(problems, wrong...)
		case change.UserID == "":
			j.New++
			j.Changes = append(j.Changes, change)
		case change.renames() || len(change.Joins) > 0 || change.managed():
			j.Changed++
			j.Changes = append(j.Changes, change)
		default:
			j.Unchanged++
		}
	}
	problems = append(problems, w.crowded(j.Changes)...)
	j.Joined = w.joined(j.Changes)
	refused, answer, err := s.ask(tx, tenantID, actorID, w, j.Changes)
	problems = append(problems, refused...)
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Row, b.Row) })
	return j, problems[:min(len(problems), problemsMost)], answer, err
}

// change says what a line does.
func (w *world) change(line Line) (Change, []Problem) {
	c := Change{Line: line}
	var wrong []Problem
	_, domain, _ := strings.Cut(line.Name, "@")
	if !w.domains[domain] {
		wrong = append(wrong, Problem{Row: line.Row, Field: Name, Code: "import.domain", Value: domain})
	}
	person, there := w.people[line.Name]
	if there {
		c.UserID = person.ID
		if line.DisplayName != "" && line.DisplayName != person.DisplayName {
			c.Was = person.DisplayName
		} else {
			c.DisplayName = ""
		}
	}
	wrong = append(wrong, w.manage(&c, person)...)
	for _, name := range line.Groups {
		g, ok := w.group(name)
		switch {
		case !ok:
			wrong = append(wrong, Problem{Row: line.Row, Field: Groups, Code: "import.group_unknown", Value: name})
		case !person.in[g.ID] && !slices.Contains(c.Joins, g.ID):
			c.Joins = append(c.Joins, g.ID)
		}
	}
	return c, wrong
}

// manage says whose manager becomes who. One who is there must be active, as where one is
// named alone; one who is not there is made by the same list.
func (w *world) manage(c *Change, of person) []Problem {
	if c.Manager == "" {
		return nil
	}
	wrong := func(code string) []Problem {
		return []Problem{{Row: c.Row, Field: Manager, Code: code, Value: c.Manager}}
	}
	manager, there := w.people[c.Manager]
	switch {
	case c.Manager == c.Name:
		return wrong("user.manager_self")
	case there && manager.State != user.Active, !there && !w.listed[c.Manager]:
		return wrong("user.manager_unknown")
	case there && manager.ID == of.ManagerID:
		c.Manager = ""
		return nil
	}
	c.ManagerID, c.WasManager = manager.ID, of.ManagerID
	return nil
}

// crowded finds lines by which a group that carries a role would get too many
// members.
func (w *world) crowded(changes []Change) (wrong []Problem) {
	joined := map[string]int{}
	for _, c := range changes {
		for _, id := range c.Joins {
			joined[id]++
			if g := w.byID[id]; g.Role != "" && g.Members+joined[id] > group.CarriersMost {
				wrong = append(wrong, Problem{Row: c.Row, Field: Groups, Code: "group.too_many_carriers", Value: g.Name})
			}
		}
	}
	return wrong
}

// joined lists the groups that somebody joins.
func (w *world) joined(changes []Change) (all []Joined) {
	people := map[string]int{}
	for _, c := range changes {
		for _, id := range c.Joins {
			people[id]++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(people)) {
		g := w.byID[id]
		all = append(all, Joined{ID: id, Name: g.Name, Role: g.Role, Title: g.title(), People: people[id]})
	}
	return all
}

// ask asks access about each change what an act on that person would ask. A
// refusal is a problem of its line.
func (s *Service) ask(tx *store.Tx, tenantID, actorID string, w *world, changes []Change) ([]Problem, access.Answer, error) {
	questions, rows := questions(tenantID, actorID, w, changes)
	verdicts, err := s.Rules.AskEach(tx, questions)
	if err != nil {
		return nil, access.No, err
	}
	var wrong []Problem
	answer := access.Yes
	for i, v := range verdicts {
		switch v.Answer {
		case access.FourEyes:
			if answer == access.Yes {
				answer = access.FourEyes
			}
		case access.No, access.Nobody:
			answer = access.No
			p := Problem{Row: rows[i], Field: Name, Code: fault.Of(v.Err()).Code, Value: ""}
			switch questions[i].Needs {
			case access.UserImport:
			case access.UserInvite:
				p.Field = Manager
			default:
				p.Field = Groups
			}
			wrong = append(wrong, p)
		}
	}
	return wrong, answer, nil
}

// questions are those of each change, each asked once for all who ask it alike:
// rows names the first line that asks. The first one is of the list as a whole.
func questions(tenantID, actorID string, w *world, changes []Change) (all []access.Question, rows []int) {
	seen := map[string]bool{}
	ask := func(row int, q access.Question) {
		q.TenantID, q.ActorID = tenantID, actorID
		key := strings.Join(append([]string{string(q.Needs), q.TargetID, string(q.Giving)}, q.Groups...), "\x00")
		if !seen[key] {
			seen[key] = true
			all, rows = append(all, q), append(rows, row)
		}
	}
	ask(0, access.Question{Needs: access.UserImport})
	for _, c := range changes {
		ask(c.Row, access.Question{Needs: access.UserImport, TargetID: c.UserID})
		if c.managed() {
			ask(c.Row, access.Question{Needs: access.UserInvite, TargetID: c.UserID})
		}
		if len(c.Joins) > 0 && c.UserID != "" {
			ask(c.Row, access.Question{Needs: access.GroupEdit, TargetID: c.UserID})
		}
		for _, id := range c.Joins {
			ask(c.Row, access.Question{Needs: access.GroupEdit, Groups: []string{id}})
			if w.byID[id].LetsIn {
				ask(c.Row, access.Question{Needs: access.PolicyEdit, Loosens: true})
			}
			role := w.byID[id].Role
			if role == "" {
				continue
			}
			ask(c.Row, access.Question{Needs: access.RoleAssign, Groups: []string{id}, Giving: role})
			if c.UserID != "" {
				ask(c.Row, access.Question{Needs: access.RoleAssign, TargetID: c.UserID, Giving: role})
			}
		}
	}
	return all, rows
}
