package server_test

import (
	"net/http"
	"testing"
)

// TestProofsOverHTTP are for who may verify the audit of their own organisation.
func TestProofsOverHTTP(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "auditor@alder.example")
		var head struct {
			Size int64
			Root string
			Note string
			Keys []string
		}
		b.get(t, "/admin/alder/audit/checkpoint").want(t, http.StatusOK) // also when there is none yet
		w.sealed(t)
		b.get(t, "/admin/alder/audit/checkpoint").want(t, http.StatusOK).decode(t, &head)
		if head.Size == 0 || head.Note == "" || len(head.Keys) != 1 {
			t.Errorf("the checkpoint is %+v", head)
		}
		var proof struct {
			Index      int64
			Leaf       string
			Path       []string
			Checkpoint struct{ Size int64 }
		}
		b.get(t, "/admin/alder/audit/proofs/inclusion?index=0").want(t, http.StatusOK).decode(t, &proof)
		if proof.Leaf == "" || proof.Checkpoint.Size != head.Size || head.Size > 1 && len(proof.Path) == 0 {
			t.Errorf("the proof is %+v", proof)
		}
		b.get(t, "/admin/alder/audit/proofs/consistency?from=1").want(t, http.StatusOK).decode(t, &proof)
		for path, status := range map[string]int{
			"inclusion": http.StatusBadRequest, "inclusion?index=x": http.StatusBadRequest, "inclusion?event=a&at=b": http.StatusBadRequest,
			"inclusion?index=-1": http.StatusNotFound, "inclusion?index=99999999": http.StatusNotFound, "inclusion?event=a&at=2026-01-01T00:00:00Z": http.StatusNotFound,
			"consistency": http.StatusBadRequest, "consistency?from=0": http.StatusNotFound, "consistency?from=2&to=1": http.StatusNotFound, "consistency?from=1&to=99999999": http.StatusNotFound,
		} {
			b.get(t, "/admin/alder/audit/proofs/"+path).is(t, status)
		}
		b.get(t, "/admin/birch/audit/checkpoint").is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "desk@alder.example").get(t, "/admin/alder/audit/checkpoint").is(t, http.StatusForbidden)
	})
}
