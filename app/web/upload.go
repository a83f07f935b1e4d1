package web

import (
	"errors"
	"mime"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
)

// The forms that bring a file (product.md §9): a list of people to import, and a photo.
const (
	UploadMost = 5<<20 + BodyMost // the file, and what stands around it
	uploadWait = 75 * time.Second // how long a request with a file may work; slow lines are given a minute to send it
)

const (
	formMedia   = "application/x-www-form-urlencoded"
	uploadMedia = "multipart/form-data"
)

// uploads says whether a request may bring a file: by its address, since its body
// is bounded before it is routed, and by its type.
func uploads(r *http.Request) bool {
	if r.Method != http.MethodPost || mediaOf(r) != uploadMedia {
		return false
	}
	return fileForm.MatchString(r.URL.Path)
}

var fileForm = regexp.MustCompile(`^/admin/[^/]+/users/(import|[^/]+/photo)$`)

// mediaOf gives the media type of a body, or nothing when it names none.
func mediaOf(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// giveTime lets a request with a file take longer than others. Where the server
// does not know how, it has no limit either.
func (s *Site) giveTime(c echo.Context) error {
	control, ends := http.NewResponseController(c.Response()), s.Streams.clock().Add(uploadWait)
	for _, err := range []error{control.SetReadDeadline(ends), control.SetWriteDeadline(ends)} {
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	return nil
}

// readUpload parses a form with a file, which stays in memory: what people bring
// is theirs, and is not left in a folder.
func readUpload(r *http.Request) error {
	err := r.ParseMultipartForm(UploadMost)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fault.New(fault.TooLarge, "http.too_large")
	case errors.Is(err, http.ErrMissingBoundary), errors.Is(err, http.ErrNotMultipart):
		return fault.New(fault.WrongType, "http.wrong_type")
	case err != nil:
		return fault.New(fault.Malformed, "http.malformed").Because(err)
	case !plainValues(r.PostForm):
		return fault.New(fault.Malformed, "http.malformed")
	}
	return nil
}
