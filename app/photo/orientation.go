package photo

import (
	"bytes"
	"encoding/binary"
)

// orientation reads which side of a JPEG is up: 1 to 8, or 0 where the file does not say.
// Cameras turn no pixels, they write this one number into the Exif part, and nothing else
// of that part is wanted: so it is read here, within bounds, and no parser of all the rest
// is let near what strangers bring.
func orientation(file []byte) int {
	rest, ok := bytes.CutPrefix(file, []byte{0xFF, 0xD8})
	for ok && len(rest) >= 4 && rest[0] == 0xFF && rest[1] != 0xDA { // 0xDA: from here on there are pixels
		marker, size := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if size < 2 || len(rest) < 2+size {
			return 0
		}
		if marker == 0xE1 {
			if exif, is := bytes.CutPrefix(rest[4:2+size], []byte("Exif\x00\x00")); is {
				return orientationIn(exif)
			}
		}
		rest = rest[2+size:]
	}
	return 0
}

// orientationIn reads it out of a TIFF header and its first directory (TIFF 6.0 §2).
func orientationIn(exif []byte) int {
	const tag, short, entrySize = 0x0112, 3, 12
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(exif, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(exif, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 0
	}
	if len(exif) < 8 {
		return 0
	}
	at := uint64(order.Uint32(exif[4:]))
	if at+2 > uint64(len(exif)) {
		return 0
	}
	entries := exif[at+2:]
	for range order.Uint16(exif[at:]) {
		if len(entries) < entrySize {
			return 0
		}
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short {
			if value := int(order.Uint16(entries[8:])); value <= 8 {
				return value
			}
			return 0
		}
		entries = entries[entrySize:]
	}
	return 0
}
