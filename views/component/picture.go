package component

import "encoding/base64"

// Picture is a JPEG that stands in its page, without an address of its own.
type Picture []byte

func (p Picture) source() string {
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(p)
}
