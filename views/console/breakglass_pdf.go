package console

import (
	"context"
	"strings"

	"github.com/a-h/templ"

	"latchkey/views/component"
	"latchkey/views/words"
)

// The sheet as a PDF file, in millimetres of an A4 page. It is small enough for a
// printer that has Letter paper.
const (
	glassLeft, glassTop = 43.0, 20.0
	glassWide           = 124.0
	glassQR             = 27.0
)

// file is the sheet as a PDF file in its page. Where the fonts cannot write every word there
// is none, and the page is printed.
func (v GlassSheet) file(ctx context.Context) templ.SafeURL { return component.PDFLink(v.pdf(ctx)) }

func (v GlassSheet) fileName() string { return "break-glass-" + v.Serial + ".pdf" }

// pdf draws the sheet as the page shows it: the label of the envelope, a line to cut along,
// and the paper that goes into it.
func (v GlassSheet) pdf(ctx context.Context) ([]byte, error) {
	say := func(key string, pairs ...string) string { return words.Say(ctx, key, pairs...) }
	outside, inside, cut := say("breakglass.sheet.outside"), say("breakglass.sheet.inside"), say("breakglass.sheet.cut")
	label := [][2]string{{say("me.sheet.serial"), v.Serial}, {say("breakglass.outside"), v.Outside}, {say("breakglass.display_name"), v.DisplayName}, {say("breakglass.sealed"), v.MadeOn}}
	secret := [][2]string{{say("signin.break_glass.name"), v.Name}, {say("signin.break_glass.code"), v.Code}}
	steps := []string{say("breakglass.sheet.open", "address", v.Address), say("breakglass.sheet.type"), say("breakglass.sheet.after")}
	drill, once := say("breakglass.sheet.drill"), say("breakglass.sheet.once", "when", v.MadeOn)
	all := append([]string{outside, inside, cut, drill, once, v.TenantName}, steps...)
	for _, line := range append(label, secret...) {
		all = append(all, line[0], line[1])
	}
	if !component.Printable(strings.Join(all, "")) {
		return nil, nil
	}
	f := component.NewPDF(ctx, "A4")
	f.SetTitle(outside+" "+v.Serial, true)
	f.SetCreationDate(v.MadeAt)
	f.SetModificationDate(v.MadeAt)
	f.AddPage()
	y := glassTop
	write := func(font, style string, points, space float64, text string) {
		f.SetFont(font, style, points)
		f.SetXY(glassLeft, y)
		f.MultiCell(glassWide, points*0.46, text, "", "L", false)
		y = f.GetY() + space
	}
	facts := func(lines [][2]string) {
		for _, line := range lines {
			write("text", "", 8, 0.5, line[0])
			if line[1] == v.Code || line[1] == v.Outside || line[1] == v.Serial {
				write("code", "B", 13, 3, line[1])
				continue
			}
			write("text", "B", 11, 3, line[1])
		}
	}
	write("text", "B", 10, 1, v.TenantName)
	write("text", "B", 15, 4, outside)
	facts(label)
	write("text", "", 9, 5, drill)
	f.SetDashPattern([]float64{2, 2}, 0)
	f.SetLineWidth(0.2)
	f.Line(glassLeft-10, y, glassLeft+glassWide+10, y)
	f.SetDashPattern(nil, 0)
	y += 2
	write("text", "", 8, 6, cut)
	write("text", "B", 13, 4, inside)
	facts(secret)
	component.DrawQR(f, v.QR, glassLeft, y, glassQR)
	below := y + glassQR + 5
	for i, step := range steps {
		f.SetFont("text", "", 9)
		f.Text(glassLeft+glassQR+5, y+3, string(rune('1'+i))+".")
		f.SetXY(glassLeft+glassQR+9, y)
		f.MultiCell(glassWide-glassQR-9, 4.2, step, "", "L", false)
		y = f.GetY()
	}
	y = max(y+3, below)
	write("text", "", 8, 0, once)
	return component.EndPDF(f)
}
