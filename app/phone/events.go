package phone

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Events opens the stream that tells of new requests and gives their ids. The
// channel closes when the stream ends or ctx does. A refusal is an *Error. The
// stream is a hint: after opening it, ask Requests once for what came before.
func (c *Client) Events(ctx context.Context) (<-chan string, error) {
	req, err := c.request(ctx, http.MethodGet, "/events", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.http().Do(req)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, refusal(res)
	}
	ids := make(chan string, 16)
	go func() {
		defer close(ids)
		defer res.Body.Close()
		readEvents(res.Body, func(event, data string) bool {
			if event != "request" {
				return true
			}
			select {
			case ids <- data:
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	return ids, nil
}

// readEvents calls each for every event of a text/event-stream, until the
// stream ends or each returns false.
func readEvents(r io.Reader, each func(event, data string) bool) {
	event, data := "", ""
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if data != "" && !each(event, data) {
				return
			}
			event, data = "", ""
		case field == "event":
			event = value
		case field == "data" && data == "":
			data = value
		case field == "data":
			data += "\n" + value
		}
	}
}
