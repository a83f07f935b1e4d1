package place

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Atlas knows countries from a file in MaxMind's format, such as GeoLite2-Country
// or DB-IP Country Lite. Nil knows none.
type Atlas struct{ file *maxminddb.Reader }

// OpenAtlas opens the file; without a path there are no countries. It fails when
// the file cannot be read or holds no countries.
func OpenAtlas(path string) (*Atlas, error) {
	if path == "" {
		return nil, nil
	}
	file, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	atlas := &Atlas{file: file}
	if err := atlas.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("place: %s: %w", path, err), file.Close())
	}
	return atlas, nil
}

// check looks for the first country of the file.
func (a *Atlas) check() error {
	for network := range a.file.Networks() {
		var code string
		if err := network.DecodePath(&code, "country", "iso_code"); err != nil {
			return err
		}
		if IsCountry(code) {
			return nil
		}
	}
	return errors.New("it holds no countries")
}

// Known says whether it knows countries at all.
func (a *Atlas) Known() bool { return a != nil }

// Close closes the file.
func (a *Atlas) Close() error {
	if a == nil {
		return nil
	}
	return a.file.Close()
}

// country gives the code of the country of an address, or empty. A file that
// turns out damaged tells nothing, which is what no file tells.
func (a *Atlas) country(address netip.Addr) string {
	if a == nil {
		return ""
	}
	var code string
	if err := a.file.Lookup(address).DecodePath(&code, "country", "iso_code"); err != nil || !IsCountry(code) {
		return ""
	}
	return code
}
