package photo

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // files may be PNG
	"math"
	"time"

	"golang.org/x/image/draw"

	"latchkey/app/fault"
)

const (
	// Side is how wide and high a photo is kept, in pixels: more than twice what a page shows.
	Side = 256

	sideLeast  = 64       // pixels: less is no picture of anybody
	pixelsMost = 16 << 20 // of a file. Decoding takes up to 20 bytes for each: of a progressive JPEG the coefficients, and then the planes
	scansMost  = 32       // of a JPEG: each walks all of the picture, however few bytes it has. Cameras and editors make 1 to 14
	quality    = 85
	turnWait   = 5 * time.Second // that a file waits for its turn
)

// reading lets one file be decoded at a time, for the memory that it takes.
var reading = make(chan struct{}, 1)

// Read gives the photo of a file, JPEG or PNG, as it is kept. It fails with fault.Wrong
// for what is no such picture, is too small, or would be too much work, and with
// fault.Unavailable when others are read for too long.
func Read(ctx context.Context, file []byte) ([]byte, error) {
	form, kind, err := image.DecodeConfig(bytes.NewReader(file))
	switch {
	case err != nil || kind != "jpeg" && kind != "png":
		return nil, wrong("photo.no_picture")
	case min(form.Width, form.Height) < sideLeast:
		return nil, wrong("photo.too_small")
	case max(form.Width, form.Height) > math.MaxUint16 || form.Width*form.Height > pixelsMost:
		return nil, wrong("photo.too_many_pixels")
	case kind == "jpeg" && bytes.Count(file, []byte{0xFF, 0xDA}) > scansMost:
		return nil, wrong("photo.no_picture")
	}
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	select {
	case reading <- struct{}{}:
		defer func() { <-reading }()
	case <-ctx.Done():
		return nil, &fault.Error{Kind: fault.Unavailable, Code: "photo.busy", RetryAfter: turnWait}
	}
	whole, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, wrong("photo.no_picture")
	}
	up := orientation(file)
	small := image.NewRGBA(image.Rect(0, 0, Side, Side))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src) // behind what can be seen through
	draw.CatmullRom.Scale(small, small.Bounds(), whole, square(whole.Bounds(), up), draw.Over, nil)
	var out bytes.Buffer
	err = jpeg.Encode(&out, upright(small, up), &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}

func wrong(code string) error { return fault.Wrong("form.wrong", map[string]string{"photo": code}) }

// square is the largest square of a picture that lies as its orientation says: in its
// middle, and of a high one nearer to the top, where faces are.
func square(r image.Rectangle, orientation int) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	over := image.Pt(r.Dx()-side, r.Dy()-side)
	at := image.Pt(over.X/2, over.Y/2)
	switch orientation {
	case 3, 4: // upside down
		at.Y = over.Y - over.Y/3
	case 5, 6: // the top is on the left
		at.X = over.X / 3
	case 7, 8: // the top is on the right
		at.X = over.X - over.X/3
	default:
		at.Y = over.Y / 3
	}
	at = at.Add(r.Min)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}
}

// upright turns a square as its orientation says: 1 to 8, as in TIFF 6.0 §8.
func upright(from *image.RGBA, orientation int) *image.RGBA {
	to := image.NewRGBA(from.Bounds())
	for y := range Side {
		for x := range Side {
			at := before(x, y, orientation)
			to.SetRGBA(x, y, from.RGBAAt(at.X, at.Y))
		}
	}
	return to
}

// before is where in the file what belongs to (x, y) stands.
func before(x, y, orientation int) image.Point {
	const last = Side - 1
	switch orientation {
	case 2:
		return image.Pt(last-x, y)
	case 3:
		return image.Pt(last-x, last-y)
	case 4:
		return image.Pt(x, last-y)
	case 5:
		return image.Pt(y, x)
	case 6:
		return image.Pt(y, last-x)
	case 7:
		return image.Pt(last-y, last-x)
	case 8:
		return image.Pt(last-y, x)
	}
	return image.Pt(x, y)
}
