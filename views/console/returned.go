package console

// Returned is, of a page with several forms, the one that came back.
type Returned struct {
	Form   string // by its name on the page; empty: none did
	Errors map[string]string
}

// typed is what was typed in a form, if it is that which came back.
func (r Returned) typed(form, text string) string {
	if r.Form != form {
		return ""
	}
	return text
}

// of gives what is wrong with a form, by field.
func (r Returned) of(form string) map[string]string {
	if r.Form != form {
		return nil
	}
	return r.Errors
}

func (r Returned) wrong(form, field string) string { return r.of(form)[field] }
