package group

import (
	"strings"
	"time"
	"unicode"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Limits.
const (
	NameMost     = 80   // letters
	CarriersMost = 500  // members of a group that carries a role
	CountMost    = 1000 // members are counted up to one more than this
)

// Service keeps groups.
type Service struct {
	DB    *store.DB
	Rules *access.Rules
	Roles *role.Service
}

// Kinds of acts.
const (
	KindCreate       approval.Kind = "group.create"
	KindRename       approval.Kind = "group.rename"
	KindDelete       approval.Kind = "group.delete"
	KindAddMember    approval.Kind = "group.add_member"
	KindRemoveMember approval.Kind = "group.remove_member"
	KindSetRole      approval.Kind = "group.set_role"
)

// Creation is a group to be made; see New.
type Creation struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// New is a group to be made, with an id that no other has.
func New(name string) Creation { return Creation{ID: secret.System.ShortID(), Name: name} }

// Renaming gives a group another name.
type Renaming struct {
	Group string `json:"group"`
	Name  string `json:"name"`
}

// Deletion takes a group away. One with members is deleted when its name was
// typed in full.
type Deletion struct {
	Group     string `json:"group"`
	Confirmed string `json:"confirmed,omitempty"`
}

// Membership is a person, the target of the act, in a group.
type Membership struct {
	Group string `json:"group"`
}

// Carrying is the role that a group is to carry; empty: none.
type Carrying struct {
	Group string      `json:"group"`
	Role  access.Role `json:"role"`
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindCreate: s.create, KindRename: s.rename, KindDelete: s.remove,
		KindAddMember: s.addMember, KindRemoveMember: s.removeMember, KindSetRole: s.setRole,
	}
}

// Group is a set of users of a tenant.
type Group struct {
	ID, Name  string
	Role      access.Role // that its members hold; empty: none
	RoleName  string      // of a custom role
	Retired   bool        // and nobody holds it through it any more
	Members   int         // CountMost + 1 stands for more
	CreatedAt time.Time
	CreatedBy string // sign-in name; empty: nobody that is known
	RoleAt    *time.Time
	RoleBy    string
	Limits    int // roles that are limited to the group
}

// Member is a user in a group.
type Member struct {
	UserID, Name, DisplayName, State string
	AddedAt                          *time.Time
	AddedBy                          string // sign-in name; empty: nobody that is known
}

// Name puts the name of a group as typed into the form in which it is kept: one
// line, single spaces. The result is empty when it is no name: the import parts
// the names of groups by semicolons.
func Name(typed string) string {
	name := strings.Join(strings.Fields(typed), " ")
	bad := func(r rune) bool { return r == ';' || r == unicode.ReplacementChar || !unicode.IsGraphic(r) }
	if len([]rune(name)) > NameMost || strings.ContainsFunc(name, bad) {
		return ""
	}
	return name
}
