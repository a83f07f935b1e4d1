package me

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"github.com/a-h/templ"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"

	"latchkey/views/component"
	"latchkey/views/words"
)

// The sheet as a PDF file, in millimetres of an A4 page. It is small enough for a
// printer that has Letter paper.
const (
	sheetLeft, sheetTop = 43.0, 26.0
	sheetWide, sheetPad = 124.0, 8.0
	sheetRow            = 9.5
	sheetQR             = 27.0
)

// file is the sheet as a PDF file that stands in the page itself, for the codes are in
// no other answer. It is empty where the fonts that come with it, which have Latin,
// Greek and Cyrillic letters, cannot write every word: then the page is printed.
func (v Sheet) file(ctx context.Context) templ.SafeURL {
	pdf, err := v.pdf(ctx)
	if err != nil || len(pdf) == 0 {
		return ""
	}
	return templ.SafeURL("data:application/pdf;base64," + base64.StdEncoding.EncodeToString(pdf))
}

func (v Sheet) fileName() string { return "printed-codes-" + v.Serial + ".pdf" }

// pdf draws the sheet as the page shows it.
func (v Sheet) pdf(ctx context.Context) ([]byte, error) {
	title, serial := words.Say(ctx, "me.codes.title"), words.Say(ctx, "me.sheet.serial")
	steps := []string{words.Say(ctx, "me.sheet.open", "address", v.Address), words.Say(ctx, "me.sheet.choose"), words.Say(ctx, "me.sheet.type")}
	keep, made := words.Say(ctx, "me.sheet.keep", "tenant", v.TenantName), words.Say(ctx, "me.sheet.made", "when", v.MadeOn)
	if !component.Printable(strings.Join(append(steps, title, serial, keep, made, v.TenantName, v.Serial), "")) {
		return nil, nil
	}
	f := fpdf.New("P", "mm", "A4", "")
	f.AddUTF8FontFromBytes("text", "", goregular.TTF)
	f.AddUTF8FontFromBytes("text", "B", gobold.TTF)
	f.AddUTF8FontFromBytes("code", "B", gomonobold.TTF)
	f.SetTitle(title+" "+v.Serial, true)
	f.SetLang(words.Tag(ctx))
	f.SetCreationDate(v.MadeAt)
	f.SetModificationDate(v.MadeAt)
	f.SetAutoPageBreak(false, 0)
	f.AddPage()
	left, wide := sheetLeft+sheetPad, sheetWide-2*sheetPad
	write := func(x, y float64, font, style string, points float64, text string) {
		f.SetFont(font, style, points)
		f.Text(x, y, text)
	}
	line := func(x1, y1, x2, y2, width float64, grey int) {
		f.SetDrawColor(grey, grey, grey)
		f.SetLineWidth(width)
		f.Line(x1, y1, x2, y2)
	}
	y := sheetTop + sheetPad + 4
	write(left, y, "text", "B", 10, v.TenantName)
	f.SetFont("text", "", 8)
	write(left+wide-f.GetStringWidth(serial), y, "text", "", 8, serial)
	y += 7
	write(left, y, "text", "B", 15, title)
	f.SetFont("code", "B", 13)
	write(left+wide-f.GetStringWidth(v.Serial), y, "code", "B", 13, v.Serial)
	y += 6
	half := (len(v.Codes) + 1) / 2
	for i, code := range v.Codes {
		x, at := left, y+float64(i%half)*sheetRow
		if i >= half {
			x += wide/2 + 2
		}
		f.SetFont("text", "B", 11)
		write(x+6-f.GetStringWidth(code.Number), at+sheetRow*0.66, "text", "B", 11, code.Number)
		write(x+8, at+sheetRow*0.66, "code", "B", 10, code.Code)
		if i%half > 0 {
			line(x, at, x+wide/2-2, at, 0.15, 200)
		}
	}
	line(left, y, left+wide, y, 0.2, 120)
	y += float64(half) * sheetRow
	line(left, y, left+wide, y, 0.2, 120)
	y += 5
	bottom := y + sheetQR
	component.DrawQR(f.SetFillColor, f.Rect, v.QR, left, y, sheetQR)
	text := func(indent float64, lead, words string) {
		f.SetFont("text", "", 9)
		f.Text(left+sheetQR+5, y+3, lead)
		f.SetXY(left+sheetQR+5+indent, y)
		f.MultiCell(wide-sheetQR-5-indent, 4.2, words, "", "L", false)
		y = f.GetY()
	}
	for i, step := range steps {
		text(4, string(rune('1'+i))+".", step)
	}
	y += 1.5
	text(0, "", keep)
	y = max(y, bottom) + 6
	write(left, y, "text", "", 8, made)
	v.cut(line, y+sheetPad-2)
	var b bytes.Buffer
	err := f.Output(&b)
	return b.Bytes(), err
}

// cut draws the marks to cut along.
func (v Sheet) cut(line func(x1, y1, x2, y2, width float64, grey int), bottom float64) {
	const long = 6.0
	right := sheetLeft + sheetWide
	for _, x := range []float64{sheetLeft, right} {
		line(x, sheetTop-long, x, sheetTop, 0.1, 0)
		line(x, bottom, x, bottom+long, 0.1, 0)
	}
	for _, y := range []float64{sheetTop, bottom} {
		line(sheetLeft-long, y, sheetLeft, y, 0.1, 0)
		line(right, y, right+long, y, 0.1, 0)
	}
}
