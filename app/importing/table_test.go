package importing_test

import (
	"bytes"
	"encoding/csv"
	"reflect"
	"testing"

	"latchkey/app/importing"
)

func TestNoCellOfATableIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"":                                "",
		"Nurse":                           "Nurse",
		"=1+1":                            "'=1+1",
		"+49 30":                          "'+49 30",
		"-1":                              "'-1",
		"@SUM(A1)":                        "'@SUM(A1)",
		"\t=1":                            "'\t=1",
		"  =HYPERLINK(\"x\")":             "'  =HYPERLINK(\"x\")",
		"＝1":                              "'＝1",
		"a=b":                             "a=b",
		"nurse@alder.example":             "nurse@alder.example",
		"|calc":                           "'|calc",
		"\"quoted\", and\nin two lines":   "\"quoted\", and\nin two lines",
		"'=1 is what a spreadsheet hides": "'=1 is what a spreadsheet hides",
	} {
		written := importing.Table([][]string{{"x", cell}})
		read, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(written, []byte("\ufeff")))).ReadAll()
		if err != nil || !reflect.DeepEqual(read, [][]string{{"x", want}}) {
			t.Errorf("Table(%q) = %q, %v; want %q", cell, read, err, want)
		}
	}
}
