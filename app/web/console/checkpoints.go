package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/access"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	"latchkey/app/web"
)

// checkpointRoutes are for programs that prove what is in the audit: hashes and signatures
// alone, no event.
func (h *Pages) checkpointRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/audit/checkpoint", access.AuditVerify, h.newestCheckpoint),
		web.Get("/admin/:tenant/audit/proofs/inclusion", access.AuditVerify, h.proveInclusion),
		web.Get("/admin/:tenant/audit/proofs/consistency", access.AuditVerify, h.proveConsistency),
	}
}

// signedHead is a checkpoint as programs get it; the note says the same, signed.
type signedHead struct {
	Number int64     `json:"number"`
	Size   int64     `json:"size"`
	Root   tlog.Hash `json:"root"`
	At     time.Time `json:"time"`
	Note   string    `json:"note"`
	Keys   []string  `json:"keys"`
}

func headOf(n checkpoint.Newest) signedHead {
	return signedHead{n.Number, n.Size, n.Root, n.At, n.Note, n.Keys}
}

// newestCheckpoint answers with that of no events, unsigned, before there is one.
func (h *Pages) newestCheckpoint(c echo.Context) error {
	n, err := h.Checkpoints.Newest(c.Request().Context(), web.Here(c).ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	return c.JSON(http.StatusOK, headOf(n))
}

// proveInclusion takes ?index=, or ?event= and &at= as its record has them.
func (h *Pages) proveInclusion(c echo.Context) error {
	ctx, tenantID := c.Request().Context(), web.Here(c).ID
	index, err := strconv.ParseInt(c.QueryParam("index"), 10, 64)
	if event := c.QueryParam("event"); event != "" {
		at, wrong := time.Parse(time.RFC3339Nano, c.QueryParam("at"))
		if wrong != nil {
			return fault.New(fault.Malformed, "http.malformed")
		}
		index, err = h.Checkpoints.IndexOf(ctx, tenantID, event, at)
		if err != nil {
			return err
		}
	}
	if err != nil {
		return fault.New(fault.Malformed, "http.malformed")
	}
	p, err := h.Checkpoints.Inclusion(ctx, tenantID, index)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Index      int64       `json:"index"`
		Leaf       tlog.Hash   `json:"leaf"`
		Path       []tlog.Hash `json:"path"`
		Checkpoint signedHead  `json:"checkpoint"`
	}{p.Index, p.Leaf, p.Path, headOf(p.In)})
}

// proveConsistency takes ?from= and &to=, sizes; without to it is that of the newest checkpoint.
func (h *Pages) proveConsistency(c echo.Context) error {
	from, err := strconv.ParseInt(c.QueryParam("from"), 10, 64)
	to := int64(0)
	if text := c.QueryParam("to"); err == nil && text != "" {
		to, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		return fault.New(fault.Malformed, "http.malformed")
	}
	p, err := h.Checkpoints.Consistency(c.Request().Context(), web.Here(c).ID, from, to)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		From       int64       `json:"from"`
		To         int64       `json:"to"`
		Path       []tlog.Hash `json:"path"`
		Checkpoint signedHead  `json:"checkpoint"`
	}{p.From, p.To, p.Path, headOf(p.In)})
}
