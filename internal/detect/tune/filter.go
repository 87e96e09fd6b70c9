package tune

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Filter is a proposed filter document of Sigma.
type Filter struct {
	Title       string
	Description string
	Rules       []string // ids or names
	exceptions  []exception
}

// YAML returns the document. All texts of the trail are quoted, and what would be a
// wildcard in them is escaped.
func (f *Filter) YAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, "title: %s\n", quote(f.Title))
	fmt.Fprintf(&b, "id: %s\n", f.id())
	fmt.Fprintf(&b, "description: %s\n", quote(f.Description))
	b.WriteString("logsource: {product: aws, service: cloudtrail}\n")
	b.WriteString(f.body())
	return b.String()
}

func (f *Filter) body() string {
	var b strings.Builder
	b.WriteString("filter:\n  rules:\n")
	for _, r := range f.Rules {
		fmt.Fprintf(&b, "    - %s\n", quote(r))
	}
	condition := "not exception"
	for i, x := range f.exceptions {
		name := "exception"
		if len(f.exceptions) > 1 {
			name = fmt.Sprintf("exception_%d", i+1)
			condition = "not 1 of exception_*"
		}
		fmt.Fprintf(&b, "  %s:\n", name)
		for _, a := range x {
			field, escape := a.field, escaped
			switch a.op {
			case "cidr":
				escape = func(v string) string { return v }
				fallthrough
			case "startswith":
				field += "|" + a.op
			}
			if len(a.values) == 1 {
				fmt.Fprintf(&b, "    %s: %s\n", field, quote(escape(a.values[0])))
				continue
			}
			fmt.Fprintf(&b, "    %s:\n", field)
			for _, v := range a.values {
				fmt.Fprintf(&b, "      - %s\n", quote(escape(v)))
			}
		}
	}
	fmt.Fprintf(&b, "  condition: %s\n", condition)
	return b.String()
}

// id follows from what the filter does, so that the same proposal has the same id.
func (f *Filter) id() string {
	h := sha256.Sum256([]byte(f.body()))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8 of RFC 9562: of one's own making
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// quote writes a text as a YAML scalar in single quotes, in which only these quotes mean
// anything. Texts with other than printable characters never come here.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

var wildcards = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`)

// escaped writes a text as a Sigma value without wildcards.
func escaped(s string) string { return wildcards.Replace(s) }
