package journey

import (
	"bytes"
	"context"
	"image/png"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// QR reads the QR code that an element shows, off the pixels on the screen as a
// camera does; "" when there is none to be read.
func (tab *Tab) QR(selector string) string {
	tab.t.Helper()
	tab.WaitFor(selector)
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.Screenshot(chromedp.CSS(selector)))
	if err != nil {
		tab.t.Fatalf("picture of %s: %v", selector, err)
	}
	pixels, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		tab.t.Fatalf("picture of %s: %v", selector, err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(pixels)
	if err != nil {
		tab.t.Fatalf("picture of %s: %v", selector, err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		tab.t.Logf("no QR code in %s: %v", selector, err)
		return ""
	}
	return found.GetText()
}
