// Package problem holds the one page for everything that went wrong.
package problem

import (
	"net/http"
	"strconv"
	"time"
)

// Problem is a failure: what happened and what to do next.
type Problem struct {
	Status   int
	Sentence string    // says both; the words of the status when it is empty
	RetryAt  time.Time // when it is worth trying again; zero when unknown
}

// told are the statuses that have words of their own. The others are our
// mistake. The words never say which factor failed or whether something exists.
var told = map[int]bool{
	http.StatusBadRequest: true, http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusNotFound: true,
	http.StatusMethodNotAllowed: true, http.StatusConflict: true, http.StatusGone: true, http.StatusRequestEntityTooLarge: true,
	http.StatusUnsupportedMediaType: true, http.StatusUnprocessableEntity: true, http.StatusTooManyRequests: true,
	http.StatusInternalServerError: true, http.StatusServiceUnavailable: true,
}

// key is that of one of the words of the status.
func (v Problem) key(part string) string {
	status := v.Status
	if !told[status] {
		status = http.StatusInternalServerError
	}
	return "problem." + strconv.Itoa(status) + "." + part
}

// again says whether the way on is a new sign-in.
func (v Problem) again() bool {
	return v.Status == http.StatusUnauthorized || v.Status == http.StatusTooManyRequests
}
