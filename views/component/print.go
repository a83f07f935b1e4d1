package component

// Printable says whether the fonts of our PDF files have every letter of a text.
func Printable(text string) bool { return writable(text) }

// DrawQR draws the dark parts of a QR code into a square of a page, by what fills a
// rectangle there; around it the paper is white.
func DrawQR(colour func(r, g, b int), fill func(x, y, width, height float64, style string), dark [][]bool, x, y, side float64) {
	module := side / float64(len(dark))
	colour(0, 0, 0)
	for row, cells := range dark {
		for from := 0; from < len(cells); from++ {
			to := from
			for to < len(cells) && cells[to] {
				to++
			}
			if to > from {
				fill(x+float64(from)*module, y+float64(row)*module, float64(to-from)*module, module, "F")
				from = to
			}
		}
	}
}
