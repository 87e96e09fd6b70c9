package pcre

import (
	"strconv"
	"strings"
)

// keepPrefix starts the names of the empty groups that replace \K, which resets
// the start of the match. User groups must not use this prefix.
const keepPrefix = "bluetrail_K_"

// keepName returns the name of the i-th such group.
func keepName(i int) string { return keepPrefix + strconv.Itoa(i) }

// linearForm translates the escapes \N and \K, which Go's engine lacks, to its
// syntax. keeps is the number of \K; each becomes a group named keepName.
func linearForm(p string) (form string, keeps int) {
	if !strings.Contains(p, `\N`) && !strings.Contains(p, `\K`) {
		return p, 0
	}
	var b strings.Builder
	for i := 0; i < len(p); {
		n := 1
		switch {
		case strings.HasPrefix(p[i:], `\Q`):
			if n = strings.Index(p[i:], `\E`); n < 0 {
				n = len(p) - i
			}
		case strings.HasPrefix(p[i:], `\N`):
			b.WriteString(`[^\n]`)
			i += 2
			continue
		case strings.HasPrefix(p[i:], `\K`):
			b.WriteString("(?P<" + keepName(keeps) + ">)")
			keeps++
			i += 2
			continue
		case p[i] == '\\':
			n = min(2, len(p)-i)
		case p[i] == '[':
			n = class(new(strings.Builder), p[i:])
		}
		b.WriteString(p[i : i+n])
		i += n
	}
	return b.String(), keeps
}

// dropKeeps moves the start of each match of the linear engine to its last \K
// and removes the groups of \K.
func (r *Regexp) dropKeeps(places [][]int) {
	for n, place := range places {
		groups := place[:0]
		for i, name := range r.fast.SubexpNames() {
			if strings.HasPrefix(name, keepPrefix) {
				groups[0] = max(groups[0], place[2*i])
				continue
			}
			groups = append(groups, place[2*i], place[2*i+1])
		}
		places[n] = groups
	}
}
