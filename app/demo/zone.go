package demo

import (
	"context"
	"net"
	"strings"

	"latchkey/app/operator"
	"latchkey/app/store"
)

// Zone plays the name servers of the demo, where every domain is made up: names
// that end in .example (RFC 2606) have the records of all claims on them, as if
// their owners had published them. Other names are asked for in earnest.
type Zone struct {
	DB      *store.DB
	Outside operator.Resolver
}

// LookupTXT is that of net.Resolver.
func (z Zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	domain := strings.TrimSuffix(strings.TrimPrefix(name, operator.RecordOf("", "").Name), ".")
	if !strings.HasSuffix(domain, ".example") {
		return z.Outside.LookupTXT(ctx, name)
	}
	var tokens, records []string
	if err := z.DB.View(ctx).All(&tokens, "SELECT token FROM domain_claims WHERE domain = ?", domain); err != nil {
		return nil, err
	}
	for _, token := range tokens {
		records = append(records, operator.RecordOf(domain, token).Value)
	}
	if len(records) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return records, nil
}
