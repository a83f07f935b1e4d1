package web

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/session"
	"latchkey/app/store"
)

// seat is what a stream of the console rests on: a session that is alive and for
// which the console is open, and a permission in the tenant that it is about.
type seat struct {
	home, sessionID, userID string // the session, in the tenant of its user
	tenantID                string
	needs                   access.Permission
}

const seatKind = "seat:"

// key is what the stream waits on, so that the slow poll wakes it when its seat is
// lost. It says all that the poll must know.
func (s seat) key() string {
	return seatKind + strings.Join([]string{s.home, s.sessionID, s.userID, s.tenantID, string(s.needs)}, ":")
}

func seatOf(key string) (s seat, ok bool) {
	parts := strings.Split(strings.TrimPrefix(key, seatKind), ":")
	if len(parts) != 5 {
		return s, false
	}
	return seat{parts[0], parts[1], parts[2], parts[3], access.Permission(parts[4])}, true
}

// ServeSeated is Serve for a page of the console. Before each look the session
// and the permission are asked again; when they are gone the stream ends, within
// two polls at the latest also when nothing happens. It keeps no session alive.
func (s *Site) ServeSeated(c echo.Context, needs access.Permission, keys []string, look Look) error {
	who, at := Session(c), Here(c)
	mine := seat{home: who.TenantID, sessionID: who.ID, userID: who.UserID, tenantID: at.ID, needs: needs}
	return s.Serve(c, who.TenantID+" "+who.UserName, append(keys, mine.key()), func(ctx context.Context, stream *Stream) (bool, error) {
		lost, err := s.LostSeats(ctx, []string{mine.key()})
		if err != nil || len(lost) > 0 {
			return true, err
		}
		return look(ctx, stream)
	})
}

// LostSeats is the look of the hub for streams of the console: those whose
// session has ended, whose console has closed, or who may not any more.
func (s *Site) LostSeats(ctx context.Context, keys []string) ([]string, error) {
	byHome := map[string][]seat{}
	var lost []string
	for _, key := range keys {
		one, ok := seatOf(key)
		if !ok || s.Rules.Allow(one.tenantID, one.userID, one.needs) != nil {
			lost = append(lost, key)
			continue
		}
		byHome[one.home] = append(byHome[one.home], one)
	}
	tx := s.DB.View(store.Outside(ctx)) // an operator's session is not of the tenant that they are in
	for home, seats := range byHome {
		ids := make([]string, len(seats))
		for i, one := range seats {
			ids[i] = one.sessionID
		}
		alive, err := session.Alive(tx, home, ids...)
		if err != nil {
			return nil, err
		}
		for _, one := range seats {
			found, ok := alive[one.sessionID]
			if ends, _ := found.ConsoleEndsAt(); !ok || found.UserID != one.userID || !tx.Now.Before(ends) {
				lost = append(lost, one.key())
			}
		}
	}
	return lost, nil
}
