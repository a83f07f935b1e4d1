package signin

import (
	"context"
	"strconv"

	"latchkey/app/codesheet"
	"latchkey/app/store"
)

// codeNumber gives the number of the printed code that an attempt asks for when it
// takes that way: the next one on the sheet of the name. A name that has none, and
// nobody's name, is asked for one as well, always the same; one that was locked
// meanwhile for the same as before.
func (s *Service) codeNumber(tx *store.Tx, way Way, tenantID, name, subject string) (int, error) {
	if way != PrintedCode {
		return 0, nil
	}
	number, err := codesheet.Next(tx, tenantID, name)
	if err != nil || number > 0 {
		return number, err
	}
	made, err := strconv.ParseUint(s.Keys.Subject("number of a printed code " + subject)[:8], 16, 64)
	return 1 + int(made%(codesheet.Codes-codesheet.LowAt)), err
}

// verifyPrinted checks a printed code for an attempt, by the number that it asks for.
// It counts, and fails, as VerifyPassword does; a name that has none takes as long. Of
// two with the same code at once one signs in.
func (s *Service) verifyPrinted(ctx context.Context, a Attempt, typed string, from From) (Done, error) {
	if err := s.countTry(ctx, a, PrintedCode, from); err != nil {
		return Done{}, err
	}
	held, err := s.Sheets.Holding(ctx, a.TenantID, a.userID, a.CodeNumber)
	if err != nil {
		return Done{}, s.uncount(ctx, a, PrintedCode, store.Unusable(err))
	}
	right, err := s.Sheets.Match(ctx, held, typed)
	if err != nil {
		return Done{}, s.uncount(ctx, a, PrintedCode, store.Unusable(err))
	}
	if !right || a.userID == "" {
		return Done{}, s.refused(ctx, a.ID, "signin.code_wrong", from)
	}
	done, err := s.passed(ctx, a, PrintedCode, func(tx *store.Tx) error { return codesheet.Use(tx, held, a.key, from.Origin) }, from)
	return done, s.settled(ctx, a, PrintedCode, "signin.code_used", err, from)
}
