package component

import (
	"bytes"
	"os"
	"regexp"
	"testing"
	"time"
)

var pdfPage = regexp.MustCompile(`/Type /Page\b`)

func sheet(tenant string) Sheet {
	v := Sheet{TenantName: tenant, Serial: "7K3M-Q2XW", MadeAt: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), MadeOn: "2026-03-01", Address: "https://id.example.org/signin"}
	for i := range 25 {
		row := make([]bool, 25)
		for j := range row {
			row[j] = (i*j+i+j)%3 == 0
		}
		v.QR = append(v.QR, row)
	}
	for _, number := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
		v.Codes = append(v.Codes, SheetCode{Number: number, Code: "7K3M-Q2XW-9FTR-4HBN"})
	}
	return v
}

// TestASheetIsAPageOfPDF, where the fonts have the letters of the names.
func TestASheetIsAPageOfPDF(t *testing.T) {
	for tenant, has := range map[string]bool{"Alder Health": true, "Überwald Ärzte": true, "Ольха": true, "Λεύκα": true, "赤杨": false, "شركة": false} {
		file, err := sheetsPDF(t.Context(), []Sheet{sheet(tenant)})
		if err != nil || (len(file) > 0) != has {
			t.Errorf("%s: %d bytes, %v; want a file: %t", tenant, len(file), err, has)
			continue
		}
		if !has {
			if got := SheetFile(t.Context(), sheet(tenant)); got != "" {
				t.Errorf("%s: the page offers %.40s", tenant, got)
			}
			continue
		}
		if !bytes.HasPrefix(file, []byte("%PDF-")) || len(pdfPage.FindAll(file, -1)) != 1 || len(file) > 100_000 {
			t.Errorf("%s: %d bytes with %d pages", tenant, len(file), len(pdfPage.FindAll(file, -1)))
		}
		if folder := os.Getenv("LATCHKEY_SCREENSHOTS"); folder != "" {
			_ = os.WriteFile(folder+"/sheet-"+tenant+".pdf", file, 0o600)
		}
	}
}
