package importing

import (
	"bytes"
	"encoding/csv"
	"strings"
)

// Table writes rows as a CSV file that spreadsheets open as text: UTF-8 with a
// byte order mark, and no cell that one of them would take for a formula.
func Table(rows [][]string) []byte {
	b := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(b)
	w.UseCRLF = true
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = asText(cell)
		}
		_ = w.Write(cells) // to memory, which fails never
	}
	w.Flush()
	return b.Bytes()
}

// asText puts an apostrophe before what a spreadsheet would run (OWASP, CSV
// injection); the wide forms are what some of them take for the same.
func asText(cell string) string {
	begins := strings.TrimLeft(cell, " \u00a0\u3000")
	if begins != "" && strings.ContainsAny(string([]rune(begins)[0]), "=+-@\t\r\n|%＝＋－＠") {
		return "'" + cell
	}
	return cell
}
