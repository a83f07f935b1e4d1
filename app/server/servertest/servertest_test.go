package servertest

import (
	"net/http"
	"testing"

	"latchkey/app/store/storetest"
)

func TestProgramIsReadyOnBothDatabases(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			p := Start(t, dialect)
			answer, err := http.Get(p.URL + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("GET /readyz = %d, want 200", answer.StatusCode)
			}
		})
	}
}
