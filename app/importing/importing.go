package importing

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/role"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Limits (product.md §9).
const (
	BytesMost = 5 << 20 // of a list

	rowsMost     = 20_000
	displayMost  = 100    // letters of a display name
	groupsMost   = 20     // of one person in a list
	problemsMost = 10_000 // that are kept of one list
	checkedMost  = 5      // lists of one person that wait to be run
	CheckedLife  = 24 * time.Hour
)

// KindImport is the act of running a list.
const KindImport approval.Kind = "user.import"

// State of an import. Add, never rename.
type State string

const (
	Checked State = "checked"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Service imports people. New makes one.
type Service struct {
	DB    *store.DB
	Rules *access.Rules
	Roles *role.Service
	Log   *slog.Logger

	errand   wake.Errand // see Run
	mu       sync.Mutex
	progress map[string]int // of the imports that this process carries out, by id
	tries    map[string]int
}

// New gives a service that imports into db.
func New(db *store.DB, rules *access.Rules, roles *role.Service, log *slog.Logger) *Service {
	return &Service{DB: db, Rules: rules, Roles: roles, Log: log, errand: wake.NewErrand(), progress: map[string]int{}, tries: map[string]int{}}
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindImport: s.plan}
}

// Line is one person of a list.
type Line struct {
	Row         int      `json:"row"`                    // in the file; the headings are row 1
	Name        string   `json:"name"`                   // as user.Name gives it
	DisplayName string   `json:"display_name,omitempty"` // empty: what is there, or what stands before the @
	Groups      []string `json:"groups,omitempty"`       // names, as written
	Manager     string   `json:"manager,omitempty"`      // sign-in name; empty: who is there, or nobody
}

// Change is what a line does. It has what the rows said when it was judged.
type Change struct {
	Line
	UserID string   `json:"user_id,omitempty"` // empty: somebody new
	Was    string   `json:"was,omitempty"`     // the display name that is changed
	Joins  []string `json:"joins,omitempty"`   // ids of groups

	ManagerID  string `json:"manager_id,omitempty"`  // of the manager whom they get; empty with one: somebody new, too
	WasManager string `json:"was_manager,omitempty"` // id of the one who is changed
}

// renames says whether the display name of somebody who is there changes.
func (c Change) renames() bool {
	return c.UserID != "" && c.DisplayName != "" && c.DisplayName != c.Was
}

// managed says whether somebody gets another manager, or their first one.
func (c Change) managed() bool { return c.Manager != "" }

// Judged is what a list does as a whole.
type Judged struct {
	New       int      `json:"new"`
	Changed   int      `json:"changed"`
	Unchanged int      `json:"unchanged"`
	Changes   []Change `json:"changes,omitempty"`
	Joined    []Joined `json:"joined,omitempty"`  // by id
	Managed   int      `json:"managed,omitempty"` // who get another manager
}

// Joined is a group that people join.
type Joined struct {
	ID     string      `json:"id"`
	Name   string      `json:"name"`
	Role   access.Role `json:"role,omitempty"`  // that they get by it
	Title  string      `json:"title,omitempty"` // of the role, as its holders are told it
	People int         `json:"people"`
}

// moves says whether somebody who was there before joins a group.
func (j Judged) moves() bool {
	return slices.ContainsFunc(j.Changes, func(c Change) bool { return c.UserID != "" && len(c.Joins) > 0 })
}

// gives says whether somebody gets a role.
func (j Judged) gives() bool {
	return slices.ContainsFunc(j.Joined, func(g Joined) bool { return g.Role != "" })
}

// Problem is one fault of a list.
type Problem struct {
	Row   int    `json:"row"`   // 0: the list as a whole
	Field string `json:"field"` // a heading; empty: the line as a whole
	Code  string `json:"code"`  // of the words
	Value string `json:"value"` // what stands there, cut short
}

// Import is a list with what became of it.
type Import struct {
	ID, FileName           string
	State                  State
	Total, Done            int // people to make or change, and how far that is
	Judged                     // without the changes
	Problems               []Problem
	Wrong                  bool // there are problems
	Reason, Ticket         string
	CreatedByID, CreatedBy string // id and sign-in name
	CreatedAt              time.Time
	EndedAt                *time.Time
	Act                    Act // what running it is about
}
