package web

import "rsc.io/qr"

// QR is the QR code of a text, true for dark.
func QR(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, err
	}
	dark := make([][]bool, code.Size)
	for y := range dark {
		dark[y] = make([]bool, code.Size)
		for x := range dark[y] {
			dark[y][x] = code.Black(x, y)
		}
	}
	return dark, nil
}
