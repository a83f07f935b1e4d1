package signin

// BreakGlass takes the code of a sealed sheet.
type BreakGlass struct {
	Identifier string // as it was typed
	Error      string
}
