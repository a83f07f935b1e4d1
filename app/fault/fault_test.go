package fault_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"slices"
	"testing"
	"time"

	"latchkey/app/fault"
)

func TestAFailureIsAskedForItsKindAndItsCause(t *testing.T) {
	cause := fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)
	f := fault.New(fault.Expired, "signin.expired")
	because := f.Because(cause)
	for _, row := range []struct {
		claim string
		err   error
		is    []error
		not   []error
	}{
		{"a failure", f, []error{fault.Expired}, []error{fault.Conflict, io.ErrUnexpectedEOF}},
		{"with its cause", because, []error{fault.Expired, io.ErrUnexpectedEOF, cause}, []error{fault.Conflict}},
		{"wrapped twice", fmt.Errorf("begin: %w", fmt.Errorf("act: %w", because)), []error{fault.Expired, io.ErrUnexpectedEOF}, []error{fault.Refused}},
		{"joined with another", errors.Join(io.EOF, because), []error{fault.Expired, io.EOF}, []error{fault.Refused}},
		{"because of no cause", f.Because(nil), []error{fault.Expired}, []error{fault.Conflict}},
	} {
		for _, kind := range row.is {
			if !errors.Is(row.err, kind) {
				t.Errorf("%s is not %v", row.claim, kind)
			}
		}
		for _, kind := range row.not {
			if errors.Is(row.err, kind) {
				t.Errorf("%s is %v", row.claim, kind)
			}
		}
		if got := fault.Of(row.err); got == nil || got.Kind != fault.Expired || got.Code != "signin.expired" {
			t.Errorf("%s: Of = %v", row.claim, got)
		}
	}
	if f.Error() != "signin.expired" || because.Error() != "signin.expired: reading: unexpected EOF" {
		t.Errorf("they read %q and %q", f, because)
	}
	if errors.Is(f, io.ErrUnexpectedEOF) {
		t.Error("Because changed the failure itself")
	}
	for claim, err := range map[string]error{"nothing": nil, "another error": io.EOF, "a bare kind": fault.NotFound} {
		if got := fault.Of(err); got != nil {
			t.Errorf("%s has the failure %v", claim, got)
		}
	}
}

func TestWhatAFailureCarries(t *testing.T) {
	wrong := fault.Wrong("form.wrong", map[string]string{"name": "user.name_form"})
	if wrong.Kind != fault.Invalid || wrong.Fields["name"] != "user.name_form" {
		t.Errorf("Wrong = %+v", wrong)
	}
	wait := fault.Wait("signin.paused", 90*time.Second)
	if wait.Kind != fault.Throttled || wait.RetryAfter != 90*time.Second {
		t.Errorf("Wait = %+v", wait)
	}
	plain := fault.New(fault.Conflict, "registered_elsewhere")
	named := plain.Naming("Alder Health")
	if named.Detail != "Alder Health" || plain.Detail != "" || !errors.Is(named, fault.Conflict) {
		t.Errorf("Naming = %+v, of %+v", named, plain)
	}
	if again := wait.Because(io.EOF); again.RetryAfter != wait.RetryAfter || named.Because(io.EOF).Detail != "Alder Health" {
		t.Error("Because loses what the failure carries")
	}
}

// TestEveryKindIsListed holds Kinds, by which the tables of others are tested, to
// the constants.
func TestEveryKindIsListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			text := value.Values[0].(*ast.BasicLit).Value
			constants++
			if !slices.Contains(fault.Kinds, fault.Kind(text[1:len(text)-1])) {
				t.Errorf("%s is not in Kinds", value.Names[0])
			}
		}
	}
	if constants != len(fault.Kinds) || constants == 0 {
		t.Errorf("there are %d constants and %d in Kinds", constants, len(fault.Kinds))
	}
}
