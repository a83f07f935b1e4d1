package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// partWait is how long a client may take to take a part of a file.
const partWait = time.Minute

// SendPart sends a part of a file. Each has its time, for the whole takes as long as the line
// of whoever fetches it does. Where the server does not know how, it has no limit either.
func (s *Site) SendPart(c echo.Context, part []byte) error {
	err := http.NewResponseController(c.Response()).SetWriteDeadline(s.Streams.clock().Add(partWait))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err = c.Response().Write(part)
	return err
}
