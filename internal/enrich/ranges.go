package enrich

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/enrich/netpack"
)

// maxRanges bounds the lines of a table of ranges.
const maxRanges = 4 << 20

// rangeColumns are the columns of a table by their names in a header, and where they are
// if there is none.
type rangeColumns struct{ network, first, last, asn, name, kind int }

// readRanges reads a table of ranges, in one of these forms: first address, last address,
// AS number, name, kind; or network (CIDR), AS number, name, kind. Name and kind may be
// missing. A header may name the columns in any order. It fails if nothing is usable.
func readRanges(r io.Reader) (*rangeFile, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.LazyQuotes, in.Comment, in.ReuseRecord = -1, true, '#', true
	f := &rangeFile{}
	type key struct {
		netpack.Holder
		kind Kind
	}
	places := map[key]int{}
	var holders []netpack.Holder
	var kinds []Kind
	var ranges []netpack.Range
	var cols rangeColumns
	for n := 0; ; n++ {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := in.FieldPos(0)
		if err != nil {
			f.faults.Add(line, "%v", err)
			continue
		}
		if n == 0 {
			var header bool
			if cols, header, err = columnsOf(rec); err != nil {
				return nil, err
			}
			if header {
				continue
			}
		}
		rg, h, kind, err := cols.read(rec)
		if err != nil {
			f.faults.Add(line, "%v", err)
			continue
		}
		if len(ranges) == maxRanges {
			return nil, fmt.Errorf("it has more than %d lines", maxRanges)
		}
		k := key{h, kind}
		place, ok := places[k]
		if !ok {
			place = len(holders)
			k.Name = strings.Clone(k.Name)
			places[k] = place
			holders, kinds = append(holders, k.Holder), append(kinds, kind)
		}
		rg.Holder = place
		ranges = append(ranges, rg)
	}
	if len(ranges) == 0 {
		if err := f.faults.Err(); err != nil {
			return nil, err
		}
		return nil, errors.New("it is empty")
	}
	t, skipped := netpack.New(holders, ranges)
	for range skipped {
		f.faults.Add(0, "IPv6 networks finer than /64 are not supported")
	}
	f.tableOf, f.lines = newTable(t, time.Time{}, kinds), len(ranges)
	return f, nil
}

// columnsOf finds the columns by the first line.
func columnsOf(rec []string) (c rangeColumns, header bool, err error) {
	cell := strings.TrimPrefix(strings.TrimSpace(rec[0]), "\ufeff")
	if _, err := netip.ParsePrefix(cell); err == nil {
		return rangeColumns{network: 0, first: -1, last: -1, asn: 1, name: 2, kind: 3}, false, nil
	}
	if _, err := netip.ParseAddr(cell); err == nil {
		return rangeColumns{network: -1, first: 0, last: 1, asn: 2, name: 3, kind: 4}, false, nil
	}
	c = rangeColumns{-1, -1, -1, -1, -1, -1}
	for i, name := range rec {
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "network", "cidr", "prefix":
			c.network = i
		case "first", "start", "ip_range_start", "start_ip":
			c.first = i
		case "last", "end", "ip_range_end", "end_ip":
			c.last = i
		case "asn", "as", "autonomous_system_number":
			c.asn = i
		case "name", "organization", "as_name", "autonomous_system_organization":
			c.name = i
		case "kind":
			c.kind = i
		}
	}
	if c.network < 0 && (c.first < 0 || c.last < 0) {
		return c, true, fmt.Errorf("the first line has neither an address nor a column network, or first and last; it begins with %q", Shorten(cell, 40))
	}
	if c.asn < 0 && c.name < 0 && c.kind < 0 {
		return c, true, errors.New("the header has none of the columns asn, name and kind")
	}
	return c, true, nil
}

func (c *rangeColumns) read(rec []string) (r netpack.Range, h netpack.Holder, kind Kind, err error) {
	cell := func(i int) string {
		if i < 0 || i >= len(rec) {
			return ""
		}
		return strings.TrimSpace(rec[i])
	}
	if c.network >= 0 {
		p, err := netip.ParsePrefix(cell(c.network))
		if err != nil {
			return r, h, kind, fmt.Errorf("%q is not a network", Shorten(cell(c.network), 40))
		}
		r.First, r.Last = p.Masked().Addr(), lastOf(p)
	} else {
		var err1, err2 error
		r.First, err1 = netip.ParseAddr(cell(c.first))
		r.Last, err2 = netip.ParseAddr(cell(c.last))
		if err1 != nil || err2 != nil || r.First.Compare(r.Last) > 0 || r.First.BitLen() != r.Last.BitLen() {
			return r, h, kind, fmt.Errorf("%q to %q is not a range of addresses", Shorten(cell(c.first), 40), Shorten(cell(c.last), 40))
		}
	}
	if asn := strings.TrimPrefix(strings.ToUpper(cell(c.asn)), "AS"); asn != "" {
		n, err := strconv.ParseUint(asn, 10, 32)
		if err != nil {
			return r, h, kind, fmt.Errorf("%q is not an AS number", Shorten(cell(c.asn), 40))
		}
		h.ASN = uint32(n)
	}
	h.Name = Shorten(cell(c.name), maxText)
	kind = Kind(strings.ToLower(cell(c.kind)))
	if kind != "" && !kind.Known() {
		return r, h, kind, fmt.Errorf("%q is not a kind of network (%s)", Shorten(string(kind), 40), kindList())
	}
	return r, h, kind, nil
}

// Shorten cuts a text that comes from outside to some bytes.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// lastOf returns the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	raw := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(raw); i++ {
		raw[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(raw)
	return last
}

// Prefixes returns the networks that make up a range of addresses of one family, both
// ends included.
func Prefixes(first, last netip.Addr) (list []netip.Prefix) {
	for first.IsValid() && first.Compare(last) <= 0 {
		bits := first.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(first, bits-1)
			if p.Masked().Addr() != first || lastOf(p).Compare(last) > 0 {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(first, bits)
		list = append(list, p)
		first = lastOf(p).Next()
	}
	return list
}
