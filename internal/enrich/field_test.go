package enrich

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"bluetrail/internal/event"
)

func init() {
	event.Register(event.Field{Name: "src_zone", Group: "Networks", Type: event.Text, From: []string{"sourceIPAddress", "vpcEndpointId"},
		Doc: "Whether the caller is inside.",
		Derive: func(in event.Inputs) event.Cell {
			a, err := netip.ParseAddr(in.Text(0))
			switch {
			case in.Set(1) || err == nil && a.IsPrivate():
				return event.Cell{Text: "inside", Set: true}
			case err != nil:
				return event.Cell{}
			}
			return event.Cell{Text: "outside", Set: true}
		}})
}

// TestAnEnricherIsOneRegistration: a field registered by another package is
// available to all readers of events, and on the reference page.
func TestAnEnricherIsOneRegistration(t *testing.T) {
	for address, want := range map[string]string{"10.1.2.3": "inside", "198.51.100.7": "outside", "ec2.amazonaws.com": ""} {
		record := []byte(`{"eventVersion":"1.11","eventTime":"2026-03-02T09:00:00Z","eventName":"GetRole","eventSource":"iam.amazonaws.com","src_zone":"said by the caller","sourceIPAddress":"` + address + `"}`)
		m := &event.Meta{Sourcetype: event.Detect(record)}
		if want == "" { // where the field is empty, the leaf stays
			want = "said by the caller"
		}
		n := 0
		if err := event.Flatten(context.Background(), record, m, func(name string, c event.Cell) {
			if name == "src_zone" {
				n++
				if c.Text != want {
					t.Errorf("%s: %q, want %q", address, c.Text, want)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if n != 1 {
			t.Errorf("%s: the field comes %d times", address, n)
		}
		x := event.NewExtractor([]string{"src_zone"})
		row := x.NewRow()
		if err := x.Extract(record, m, row); err != nil {
			t.Fatal(err)
		}
		if c := row.Cell(0); c.Text != want {
			t.Errorf("%s: extracted %q, want %q", address, c.Text, want)
		}
	}
	if page := event.FieldsPage(); !strings.Contains(page, "\n## Networks\n") || !strings.Contains(page, "| `src_zone` | text | Whether the caller is inside. | `sourceIPAddress`, `vpcEndpointId` |") {
		t.Error("the field is not on the reference page")
	}
	if f := event.Addon("src_zone"); f == nil || f.Alias() || event.IsDefault("src_zone") || event.OnRequest("src_zone") {
		t.Errorf("looked up: %+v", f)
	}
}
