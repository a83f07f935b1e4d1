package people

import (
	"io/fs"
	"strings"
	"testing"

	"latchkey/migrations"
)

// Every way of the filter has its partial index on both databases, under a condition
// in the very words of the query: in others no planner finds it.
func TestEveryWayOfTheFilterHasItsIndex(t *testing.T) {
	for _, dialect := range []string{"postgres", "sqlite"} {
		files, err := fs.Glob(migrations.Files, dialect+"/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		var steps strings.Builder
		for _, file := range files {
			text, err := fs.ReadFile(migrations.Files, file)
			if err != nil {
				t.Fatal(err)
			}
			steps.Write(text)
		}
		for _, way := range Ways {
			condition := wayConditions[way]
			if condition == "" {
				t.Errorf("%s: asks for nothing", way)
				continue
			}
			if index := "ON users (tenant_id, name) WHERE " + strings.ReplaceAll(condition, "u.", "") + ";"; !strings.Contains(steps.String(), index) {
				t.Errorf("%s: no index %s on %s", way, index, dialect)
			}
		}
	}
}
