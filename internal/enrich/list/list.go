// Package list reads lists of addresses that somebody has found reason to name: threat
// lists in the forms in which they are published, and lookups that a search wrote.
package list

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"time"

	"bluetrail/internal/enrich"

	"github.com/gaissmai/bart"
)

// Format is how a list is written.
type Format string

// Formats of lists.
const (
	Auto  Format = ""      // told from the content
	Plain Format = "plain" // an address, network or range in each line; what follows # or ; is the reason
	CSV   Format = "csv"   // a table with a header, or with the address in any column
	STIX  Format = "stix"  // a bundle of STIX 2.1 with indicators
	MISP  Format = "misp"  // events of MISP
)

// Formats are all formats.
var Formats = []Format{Plain, CSV, STIX, MISP}

// Bounds of a list.
const (
	MaxBytes   = 64 << 20
	maxEntries = 4 << 20
	maxReason  = 256 // bytes
)

// Options say how to read a list.
type Options struct {
	Format Format
	Column string // CSV: the column of addresses; "" = told by its name
	Reason string // CSV: the column of reasons; "" = told by its name
	Now    time.Time
}

// List is the addresses of a list. It is constant.
type List struct {
	Format  Format
	Entries int // addresses and networks
	Expired int // entries that were left out because they are no longer valid
	Others  int // entries that are about something else, such as domains
	Faults  enrich.Faults

	table bart.Table[string]
	texts map[string]string // reasons, each kept once
}

// Lookup returns the reason that the most specific entry gives for an address.
func (l *List) Lookup(a netip.Addr) (reason string, ok bool) { return l.table.Lookup(a) }

// All returns the entries with their reasons, in order of their addresses.
func (l *List) All() iter.Seq2[netip.Prefix, string] { return l.table.AllSorted() }

// add adds an entry. The first reason for a network stays.
func (l *List) add(p netip.Prefix, reason string) {
	if reason = strings.Join(strings.Fields(reason), " "); len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	kept, ok := l.texts[reason]
	if !ok {
		kept = strings.Clone(reason)
		l.texts[kept] = kept
	}
	if old, ok := l.table.Get(p); ok {
		if old == "" && kept != "" {
			l.table.Insert(p, kept)
		}
		return
	}
	if l.Entries == maxEntries {
		l.Faults.Add(0, "the list has more than %d entries", maxEntries)
		return
	}
	l.table.Insert(p, kept)
	l.Entries++
}

// prefixes reads an address, a network in CIDR, or a range of addresses.
func prefixes(text string) ([]netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.WithZone("").Unmap()
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q mixes IPv4 and IPv6", enrich.Shorten(text, 60))
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%q names every address", enrich.Shorten(text, 60))
		}
		return []netip.Prefix{p.Masked()}, nil
	}
	if from, to, ok := strings.Cut(text, "-"); ok {
		first, err1 := netip.ParseAddr(strings.TrimSpace(from))
		last, err2 := netip.ParseAddr(strings.TrimSpace(to))
		if err1 == nil && err2 == nil && first.BitLen() == last.BitLen() && first.Compare(last) <= 0 {
			if list := enrich.Prefixes(first, last); len(list) > 1 || list[0].Bits() > 0 {
				return list, nil
			}
			return nil, fmt.Errorf("%q names every address", enrich.Shorten(text, 60))
		}
	}
	return nil, fmt.Errorf("%q is not an address or a network", enrich.Shorten(text, 60))
}

var errEmpty = errors.New("it has no addresses")

// Parse reads a list. Entries that cannot be read are counted and stop nothing else; the
// error is for a list without any. It is errEmpty if the list is intact and names none.
func Parse(data []byte, o Options) (*List, error) {
	l := &List{Format: o.Format, texts: map[string]string{}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if l.Format == Auto {
		l.Format = guess(data)
	}
	var err error
	switch l.Format {
	case STIX:
		err = l.stix(data, o.Now)
	case MISP:
		err = l.misp(data)
	case CSV:
		err = l.csv(data, o)
	default:
		l.plain(data)
	}
	l.texts = nil
	switch {
	case err != nil:
		return nil, err
	case l.Entries > 0:
		return l, nil
	case l.Faults.Lines > 0:
		return l, l.Faults.Err()
	}
	return l, errEmpty
}

// Empty reports whether an error of Parse says that the list is intact and names nothing.
func Empty(err error) bool { return errors.Is(err, errEmpty) }

// guess tells the format from the content.
func guess(data []byte) Format {
	text := bytes.TrimSpace(data)
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		head := text[:min(len(text), 4096)]
		if bytes.Contains(head, []byte(`"bundle"`)) || bytes.Contains(head, []byte(`"spec_version"`)) || bytes.Contains(head, []byte(`"objects"`)) {
			return STIX
		}
		return MISP
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		if i := bytes.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		if _, err := prefixes(string(line)); err == nil {
			return Plain
		}
		if bytes.IndexByte(line, ',') >= 0 {
			return CSV
		}
		// A table with one column has a header.
		if addressColumn([]string{string(line)}, "") == 0 {
			return CSV
		}
		return Plain
	}
	return Plain
}
