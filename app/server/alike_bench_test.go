package server_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"latchkey/app/method"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// BenchmarkEveryNameAlike measures, for each way, how long each step takes for somebody
// who has it, for nobody and for somebody who is locked, in turns. It reports the
// largest gap between their medians: in milliseconds, and in percent of the step. With
// -benchtime 1000x it is of a thousand pairs. Nothing is decided by it; what is, is
// that the work is the same (TestEveryNameMakesTheSameWork).
func BenchmarkEveryNameAlike(b *testing.B) {
	names := []string{"user1@alder.example", "user0@alder.example", "user2@alder.example"}
	for _, dialect := range storetest.Dialects {
		b.Run(string(dialect), func(b *testing.B) {
			w := quiet(servertest.Quiet(b, dialect, "https://id.example.org", servertest.DearPasswords))
			w.claim(b)
			w.withPasskey(b, "user40@alder.example") // so that keys are bound at all
			k := passkeytest.New(b, "https://id.example.org")
			for _, way := range method.Ways {
				b.Run(way.Name, func(b *testing.B) { measureAlike(b, w, k, way.Name, names) })
			}
		})
	}
}

func measureAlike(b *testing.B, w *world, k *passkeytest.Authenticator, way string, names []string) {
	took := map[string][][]time.Duration{} // by step, and by name
	done := 0
	for b.Loop() {
		b.StopTimer()
		w.act(b, "DELETE FROM throttles")
		w.act(b, "DELETE FROM code_times")
		w.act(b, "DELETE FROM message_days")
		w.act(b, "DELETE FROM habits")
		if done%50 == 0 { // what lies about is swept, as it is in a program that runs
			w.act(b, "DELETE FROM prompts")
			w.act(b, "DELETE FROM attempts")
			w.act(b, "DELETE FROM outbox")
			w.act(b, "DELETE FROM phone_codes")
		} else {
			w.act(b, "UPDATE prompts SET state = 'expired', created_at = ?", w.DB.Now().Add(-48*time.Hour))
		}
		if w.DB.Dialect == store.SQLite && done%500 == 0 {
			w.act(b, "PRAGMA optimize")
		}
		b.StartTimer()
		for i := range names {
			at := (i + done) % len(names)
			pc := w.browser(b)
			pc.get(b, "/signin")
			timed := func(step string, do func() answer) answer {
				began := time.Now()
				a := do()
				if took[step] == nil {
					took[step] = make([][]time.Duration, len(names))
				}
				took[step][at] = append(took[step][at], time.Since(began))
				return a
			}
			attempt := timed("name", func() answer { return pc.post(b, "/signin", "identifier", names[at]).want(b, http.StatusSeeOther) }).location()
			timed("choice", func() answer { return pc.post(b, attempt+"/method", "method", way).want(b, http.StatusSeeOther) })
			page := timed("page", func() answer { return pc.get(b, attempt).want(b, http.StatusOK) })
			form := map[string][]string{
				"password": {"password", "wrong"}, "totp": {"code", "000000"}, "printed_code": {"code", "7777-7777-7777-7777"}, "sms": {"code", "12345x"}, "voice": {"code", "12345x"}, "static_passcode": {"code", "ABCDE-FGHJK-MNPQR-STVWX"},
			}[way]
			switch way {
			case "phone":
				timed("state", func() answer { return pc.get(b, attempt+"/state").want(b, http.StatusOK) })
				timed("end", func() answer { return pc.post(b, attempt+"/finish").want(b, http.StatusUnauthorized) })
				continue
			case "passkey":
				form = []string{"credential", k.Sign(b, optionsOf(b, page))}
			}
			timed("proof", func() answer { return pc.post(b, attempt+"/verify", form...).want(b, http.StatusUnauthorized) })
		}
		done++
	}
	worst, share, where := 0.0, 0.0, ""
	for step, of := range took {
		median := func(i int) float64 {
			slices.Sort(of[i])
			return float64(of[i][len(of[i])/2].Microseconds()) / 1000
		}
		real := median(0)
		for i := 1; i < len(names); i++ {
			if gap := math.Abs(median(i) - real); gap >= worst {
				worst, share, where = gap, 100*gap/real, fmt.Sprintf("%s of %s: %.2f ms, of %s: %.2f ms", step, names[i], median(i), names[0], real)
			}
		}
	}
	b.Logf("%d rounds; the largest gap is at %s", done, where)
	b.ReportMetric(worst, "gap-ms")
	b.ReportMetric(share, "gap-%")
}
