package event

import (
	"fmt"
	"strings"
)

// FieldsPage is the reference page of all fields, in Markdown.
func FieldsPage() string {
	var b strings.Builder
	b.WriteString("# Fields\n\nMade by `make generate` from the registrations in the code. Every leaf of a record is a field under its path, such as `userIdentity.arn` or\n" +
		"`resources{}.ARN`. The fields below are added to those. Where they differ from Splunk's AWS add-on: [differences.md](spl/differences.md).\n")
	about := map[Group]string{
		GroupDefault: "Every event has these.",
		GroupAddon:   "Events of the sourcetype `" + CloudTrail + "` have these, and they take the place of leaves with the same name.",
		GroupRecord:  "Events of the sourcetype `" + CloudTrail + "` have these, too.",
		GroupLake: "The names that Amazon Security Lake has for the fields of CloudTrail. Each exists only for searches that name it, and a leaf with the same name\n" +
			"takes precedence. `unmapped.x` and `unmapped{}.x` are the leaf x.",
	}
	var last Group
	for _, f := range Fields() {
		if f.Group != last {
			last = f.Group
			fmt.Fprintf(&b, "\n## %s\n\n", last)
			if text := about[last]; text != "" {
				b.WriteString(text + "\n\n")
			}
			b.WriteString("| field | type | what it is | made from |\n| --- | --- | --- | --- |\n")
		}
		doc := f.Doc
		if f.OnRequest && f.Group != GroupLake {
			doc += " Only for searches that name it."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, strings.ReplaceAll(doc, "|", `\|`), madeFrom(f))
	}
	return b.String()
}

// mostNamed is how many leaves the page names of one field.
const mostNamed = 12

func madeFrom(f *Field) string {
	from := f.From
	if f.timed && f.Name != Time {
		return "the time in the record"
	}
	if f.member != "" {
		from = []string{f.member}
	}
	var b strings.Builder
	for i, leaf := range from {
		if i == mostNamed {
			fmt.Fprintf(&b, " and %d more", len(from)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("`" + leaf + "`")
	}
	return b.String()
}
