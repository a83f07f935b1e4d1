package trail

import (
	"context"
	"slices"
	"strings"
)

// namesLook is how many events are looked through for names.
const namesLook = 1000

// Names gives the sign-in names of people in the newest events that the reader sees, who act
// there or whom it is about, that begin with what they typed: in their order, up to most. So
// nobody is told of who is in none of them.
func (s *Service) Names(ctx context.Context, sight Sight, typed string, most int) (names []string, err error) {
	typed = strings.ToLower(typed)
	looked := 0
	for after := (Position{}); looked < namesLook; {
		p, err := s.Find(ctx, sight, Query{}, after, Position{})
		if err != nil {
			return nil, err
		}
		for _, r := range p.Rows {
			for _, name := range []string{r.ActorName, r.SubjectName} {
				if name != "" && strings.HasPrefix(name, typed) && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		looked += max(len(p.Rows), PageLength) // a page that is not full was looked for as long
		if after = p.Older; after.None() {
			break
		}
	}
	slices.Sort(names)
	return names[:min(len(names), most)], nil
}
