package wake

import "strings"

// ByTenant gives the ids in keys of the form kind:tenant:id, by their tenants, as a Look asks
// for them. A key of another form it leaves out.
func ByTenant(keys []string) map[string][]string {
	ids := map[string][]string{}
	for _, key := range keys {
		if parts := strings.SplitN(key, ":", 3); len(parts) == 3 {
			ids[parts[1]] = append(ids[parts[1]], parts[2])
		}
	}
	return ids
}
