package list

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// plain reads lines.
func (l *List) plain(data []byte) {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text, reason := string(line), ""
		if i := strings.IndexAny(text, "#;"); i >= 0 {
			text, reason = text[:i], strings.TrimLeft(text[i:], "#; \t")
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		list, err := prefixes(text)
		if err != nil {
			// Some lists put further columns behind white space.
			first, rest, _ := strings.Cut(strings.Join(strings.Fields(text), " "), " ")
			if list, err = prefixes(first); err != nil {
				l.Faults.Add(n, "%v", err)
				continue
			}
			if reason == "" {
				reason = rest
			}
		}
		for _, p := range list {
			l.add(p, reason)
		}
	}
}

// Names of columns, the most telling first.
var (
	addressNames = []string{"src_ip", "src", "sourceipaddress", "ip", "ip_address", "ipaddress", "address", "network", "cidr", "prefix", "dst_ip", "dest_ip", "indicator", "ioc", "ioc_value", "value", "ip_range"}
	reasonNames  = []string{"reason", "description", "threat", "comment", "note", "malware", "malware_printable", "category", "tags", "type", "name"}
)

func addressColumn(header []string, want string) int { return columnOf(header, want, addressNames) }

func columnOf(header []string, want string, names []string) int {
	if want != "" {
		names = []string{want}
	}
	for _, name := range names {
		if i := slices.IndexFunc(header, func(h string) bool {
			return strings.EqualFold(strings.Trim(strings.TrimSpace(h), `"`), name)
		}); i >= 0 {
			return i
		}
	}
	return -1
}

// csv reads a table. Without a header that it knows, the first address in a line counts,
// and the cell behind it is the reason.
func (l *List) csv(data []byte, o Options) error {
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord, in.LazyQuotes, in.TrimLeadingSpace = -1, true, true
	address, reason, header := -1, -1, false
	for n := 0; ; n++ {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := 0
		if len(rec) > 0 {
			line, _ = in.FieldPos(0)
		}
		if err != nil {
			l.Faults.Add(line, "%v", err)
			continue
		}
		comment := strings.HasPrefix(strings.TrimSpace(rec[0]), "#")
		if !header {
			head := slices.Clone(rec)
			head[0] = strings.TrimLeft(head[0], "# ") // some put the header into a comment
			if at := addressColumn(head, o.Column); at >= 0 {
				address, header = at, true
				if reason = columnOf(head, o.Reason, reasonNames); reason == address {
					reason = -1
				}
				continue
			}
			if o.Column != "" && !comment {
				return fmt.Errorf("it has no column %q", o.Column)
			}
		}
		if comment {
			continue
		}
		at, why := address, reason
		if at < 0 {
			if at = slices.IndexFunc(rec, func(cell string) bool { _, err := prefixes(cell); return err == nil }); at >= 0 {
				why = at + 1
			}
		}
		if at < 0 || at >= len(rec) || strings.TrimSpace(rec[at]) == "" {
			if n == 0 && !header {
				continue // a header of other names
			}
			l.Faults.Add(line, "no address in it")
			continue
		}
		cell := strings.TrimSpace(rec[at])
		list, err := prefixes(cell)
		if host, port, ok := strings.Cut(cell, ":"); err != nil && ok && strings.Trim(port, "0123456789") == "" {
			list, err = prefixes(host)
		}
		if err != nil {
			l.Faults.Add(line, "%v", err)
			continue
		}
		text := ""
		if why >= 0 && why < len(rec) {
			text = rec[why]
		}
		for _, p := range list {
			l.add(p, text)
		}
	}
	return nil
}
