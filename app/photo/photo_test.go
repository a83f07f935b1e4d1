package photo_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"testing"

	"latchkey/app/fault"
	"latchkey/app/photo"
)

// Corners of a picture, clockwise from the upper left, each in its colour.
var (
	red, green   = color.RGBA{R: 230, A: 255}, color.RGBA{G: 230, A: 255}
	blue, yellow = color.RGBA{B: 230, A: 255}, color.RGBA{R: 230, G: 230, A: 255}
)

// quarters is a picture of four colours.
func quarters(width, height int) *image.RGBA {
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			to.SetRGBA(x, y, [2][2]color.RGBA{{red, green}, {yellow, blue}}[y*2/height][x*2/width])
		}
	}
	return to
}

// exif is a part of a JPEG that says which side is up, in one of the two orders of bytes.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	part := []byte("Exif\x00\x00II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		part = []byte("Exif\x00\x00MM\x00*")
	}
	part = order.AppendUint32(part, 8)
	part = order.AppendUint16(part, 2)
	for _, entry := range [][2]uint16{{0x010F, 0}, {0x0112, orientation}} {
		part = order.AppendUint16(part, entry[0])
		part = order.AppendUint16(part, 3)
		part = order.AppendUint32(part, 1)
		part = order.AppendUint16(part, entry[1])
		part = order.AppendUint16(part, 0)
	}
	part = append(part, "made at 52.5 N 13.4 E"...)
	return append(binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(part)+2)), part...)
}

func asJPEG(t testing.TB, from image.Image, extra []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, from, nil); err != nil {
		t.Fatal(err)
	}
	return append(append([]byte{0xFF, 0xD8}, extra...), out.Bytes()[2:]...)
}

func asPNG(t testing.TB, from image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, from); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// corners names the colours of a kept photo, clockwise from the upper left.
func corners(t *testing.T, kept []byte) (names string) {
	t.Helper()
	got, kind, err := image.Decode(bytes.NewReader(kept))
	if err != nil || kind != "jpeg" || got.Bounds() != image.Rect(0, 0, photo.Side, photo.Side) {
		t.Fatalf("kept is %s of %v, %v", kind, got.Bounds(), err)
	}
	const near, far = photo.Side / 8, photo.Side - photo.Side/8
	for _, at := range []image.Point{{X: near, Y: near}, {X: far, Y: near}, {X: far, Y: far}, {X: near, Y: far}} {
		r, g, b, _ := got.At(at.X, at.Y).RGBA()
		bright := func(v uint32) bool { return v > 0x8000 }
		switch {
		case bright(r) && bright(g) && bright(b):
			names += "w"
		case bright(r) && bright(g):
			names += "y"
		case bright(r):
			names += "r"
		case bright(g):
			names += "g"
		case bright(b):
			names += "b"
		default:
			names += "?"
		}
	}
	return names
}

// Whichever way the camera was held, the photo stands upright, and nothing else of what
// the file says is kept.
func TestAPhotoStandsUpright(t *testing.T) {
	for orientation, want := range map[uint16]string{0: "rgby", 1: "rgby", 2: "gryb", 3: "byrg", 4: "ybgr", 5: "rybg", 6: "yrgb", 7: "bgry", 8: "gbyr", 9: "rgby"} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			kept, err := photo.Read(t.Context(), asJPEG(t, quarters(400, 400), exif(order, orientation)))
			if err != nil {
				t.Fatal(err)
			}
			if got := corners(t, kept); got != want {
				t.Errorf("orientation %d, %v: corners %s, want %s", orientation, order, got, want)
			}
			if bytes.Contains(kept, []byte("Exif")) || bytes.Contains(kept, []byte("52.5")) {
				t.Errorf("orientation %d: what the camera wrote is kept", orientation)
			}
		}
	}
}

func TestWhatIsNoPhotoIsNotTaken(t *testing.T) {
	huge := asPNG(t, image.NewPaletted(image.Rect(0, 0, 6000, 6000), color.Palette{color.White}))
	whole := asJPEG(t, quarters(200, 200), nil)
	for name, row := range map[string]struct {
		file []byte
		code string
	}{
		"nothing":                   {nil, "photo.no_picture"},
		"words":                     {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "photo.no_picture"},
		"a picture that breaks off": {whole[:len(whole)/2], "photo.no_picture"},
		"63 pixels":                 {asPNG(t, quarters(63, 400)), "photo.too_small"},
		"64 pixels":                 {asPNG(t, quarters(64, 64)), ""},
		"36 million pixels":         {huge, "photo.too_many_pixels"},
		"33 scans":                  {append(whole[:len(whole):len(whole)], bytes.Repeat([]byte{0xFF, 0xDA}, 32)...), "photo.no_picture"},
	} {
		kept, err := photo.Read(t.Context(), row.file)
		if row.code == "" {
			if err != nil || len(kept) == 0 || len(kept) > 64<<10 {
				t.Errorf("%s: %d bytes, %v", name, len(kept), err)
			}
			continue
		}
		if f := fault.Of(err); f == nil || f.Fields["photo"] != row.code {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
	}
}

// What can be seen through stands on white, and a wide picture keeps its middle.
func TestAPhotoIsASquareOnWhite(t *testing.T) {
	kept, err := photo.Read(t.Context(), asPNG(t, image.NewNRGBA(image.Rect(0, 0, 300, 100))))
	if err != nil || corners(t, kept) != "wwww" {
		t.Errorf("seen through: %v", err)
	}
	wide := image.NewRGBA(image.Rect(0, 0, 400, 100))
	for y := range 100 {
		for x := range 400 {
			wide.SetRGBA(x, y, red)
			if x >= 150 && x < 250 {
				wide.SetRGBA(x, y, blue)
			}
		}
	}
	if kept, err = photo.Read(t.Context(), asPNG(t, wide)); err != nil || corners(t, kept) != "bbbb" {
		t.Errorf("the middle: %s, %v", corners(t, kept), err)
	}
}

// A high picture keeps more of its upper part, whichever way it lies in the file.
func TestAHighPhotoKeepsItsTop(t *testing.T) {
	for orientation, top := range map[uint16]image.Rectangle{
		1: image.Rect(0, 0, 100, 40), 3: image.Rect(0, 260, 100, 300), 6: image.Rect(0, 0, 40, 100), 8: image.Rect(260, 0, 300, 100),
	} {
		lying := image.NewRGBA(image.Rect(0, 0, 100, 300))
		if top.Dx() < top.Dy() {
			lying = image.NewRGBA(image.Rect(0, 0, 300, 100))
		}
		draw.Draw(lying, lying.Bounds(), image.NewUniform(blue), image.Point{}, draw.Src)
		// What is one third from the top, of what is over, is the first that is kept.
		draw.Draw(lying, top.Add(map[uint16]image.Point{1: {Y: 66}, 3: {Y: -66}, 6: {X: 66}, 8: {X: -66}}[orientation]), image.NewUniform(red), image.Point{}, draw.Src)
		kept, err := photo.Read(t.Context(), asJPEG(t, lying, exif(binary.BigEndian, orientation)))
		if err != nil || corners(t, kept) != "rrbb" {
			t.Errorf("orientation %d: corners %s, %v", orientation, corners(t, kept), err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(asJPEG(f, quarters(80, 80), exif(binary.LittleEndian, 6)))
	f.Add(asPNG(f, quarters(80, 80)))
	f.Add([]byte("\xFF\xD8\xFF\xE1\x00\x10Exif\x00\x00II*\x00\xFF\xFF\xFF\xFF"))
	f.Fuzz(func(t *testing.T, file []byte) {
		kept, err := photo.Read(t.Context(), file)
		if err != nil {
			return
		}
		if form, err := jpeg.DecodeConfig(bytes.NewReader(kept)); err != nil || form.Width != photo.Side || form.Height != photo.Side {
			t.Errorf("what is kept is %v, %v", form, err)
		}
	})
}
