package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/policy"
)

// Format is the format of files that this program writes and reads.
const Format = 1

// SizeMost is how long a file may be, in bytes.
const SizeMost = 1 << 20

// The orders in which ways are offered.
const (
	Habit     = "habit"
	Strongest = "strongest"
)

// File is a policy as it is written down. What is not there stays as it is.
type File struct {
	Format   int                          `yaml:"format"`
	Tenant   string                       `yaml:"tenant"`
	WaysIn   map[string]Way               `yaml:"ways_in,omitempty"`
	Order    string                       `yaml:"order,omitempty"`
	Limits   map[string]int               `yaml:"limits,omitempty"`
	Features map[feature.Feature]*Feature `yaml:"features,omitempty"`
	Campaign *Campaign                    `yaml:"campaign,omitempty"`
}

// Way is what a way in is used for, and by whom.
type Way struct {
	Uses   []method.Use `yaml:"uses,flow"`
	Groups []string     `yaml:"groups,flow,omitempty"` // names
}

// Feature is how far a feature is open.
type Feature struct {
	Stage      feature.Stage `yaml:"stage"`
	Percentage int           `yaml:"percentage,omitempty"`
	Include    []string      `yaml:"include,flow,omitempty"` // names of groups
	Exclude    []string      `yaml:"exclude,flow,omitempty"`
}

// Campaign is how the registration campaign asks. A part that is not there stays as it is.
type Campaign struct {
	SnoozeDays *int `yaml:"snooze_days,omitempty"`
	Skips      *int `yaml:"skips,omitempty"`
}

// head stands above every file that is written.
const head = "# What %s has decided. What a file leaves out stays as it is;\n# latchkey policy diff says what it would change.\n"

// Text writes a file down, the same each time.
func (f File) Text() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, head, f.Tenant)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// Parse reads a file, and refuses what it does not know. The error names the lines.
func Parse(text []byte) (File, error) {
	var f File
	if len(text) > SizeMost {
		return f, fmt.Errorf("the file is longer than %d bytes", SizeMost)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("the file cannot be read: %w", err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return f, errors.New("the file holds more than one document")
	}
	return f, f.check()
}

// check finds names that are none. Whether the values may be the acts say.
func (f File) check() error {
	var wrong []string
	not := func(what, name string, known ...string) {
		wrong = append(wrong, fmt.Sprintf("%s: there is no %q; there is %s", what, name, strings.Join(known, ", ")))
	}
	if f.Format != Format {
		wrong = append(wrong, fmt.Sprintf("format: this program reads %d, and not %d", Format, f.Format))
	}
	if f.Tenant == "" {
		wrong = append(wrong, "tenant: it is not there")
	}
	if f.Order != "" && f.Order != Habit && f.Order != Strongest {
		not("order", f.Order, Habit, Strongest)
	}
	var ways []string
	uses := map[string][]method.Use{}
	for _, w := range method.Ways {
		ways, uses[w.Name] = append(ways, w.Name), w.Uses
	}
	for _, name := range slices.Sorted(maps.Keys(f.WaysIn)) {
		if uses[name] == nil {
			not("ways_in", name, ways...)
			continue
		}
		for _, use := range f.WaysIn[name].Uses {
			if !slices.Contains(uses[name], use) {
				not("ways_in, uses of "+name, string(use), texts(uses[name])...)
			}
		}
	}
	var limits []string
	for _, l := range policy.Limits {
		limits = append(limits, l.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Limits)) {
		if !slices.Contains(limits, name) {
			not("limits", name, limits...)
		}
	}
	var features []string
	for _, e := range feature.Catalogue {
		features = append(features, string(e.Feature))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Features)) {
		switch said := f.Features[name]; {
		case !slices.Contains(features, string(name)):
			not("features", string(name), features...)
		case said == nil || !slices.Contains(feature.Stages, said.Stage):
			stage := feature.Stage("")
			if said != nil {
				stage = said.Stage
			}
			not("features, stage of "+string(name), string(stage), texts(feature.Stages)...)
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}
