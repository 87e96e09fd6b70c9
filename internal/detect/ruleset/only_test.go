package ruleset

import (
	"fmt"
	"testing"
	"testing/fstest"
)

const onlyRules = `
title: A
id: a
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
---
title: B
id: b
status: deprecated
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: B}, condition: s}
---
title: C
id: c
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: C}, condition: s}
---
title: On D
id: on-d
level: low
correlation: {type: event_count, rules: [on-c], timespan: 1h, condition: {gte: 2}}
---
title: On A
id: on-a
level: low
correlation: {type: event_count, rules: [a], group-by: [awsRegion], timespan: 1h, condition: {gte: 2}}
---
title: On C
id: on-c
level: low
correlation: {type: event_count, rules: [c, b], group-by: [src], timespan: 1h, condition: {gte: 2}}
`

func TestOnly(t *testing.T) {
	rs, err := Load(t.Context(), nil, Options{Shipped: fstest.MapFS{"x.yml": {Data: []byte(onlyRules)}}})
	if err != nil || len(rs.Faults) > 0 {
		t.Fatal(err, rs.Faults)
	}
	for _, c := range []struct{ asked, want, wanted, using string }{
		{"a", "[a ]", "[]", "[a on-a]"},
		{"b", "[b ]", "[]", "[b on-d on-c]"},
		{"on-a", "[a silent on-a  a]", "[awsRegion]", "[on-a]"},
		{"on-d", "[b silent off c silent on-d  on-c on-c silent c b]", "[src]", "[on-d]"},
	} {
		only := rs.Only(rs.Find(c.asked))
		var got, using []string
		for i := range only.Rules {
			r := &only.Rules[i]
			text := r.ID + " "
			if r.Silent {
				text += "silent"
			}
			if r.Off != "" {
				text += " off"
			}
			if r.Correlation != nil {
				for _, ref := range r.Correlation.Rules {
					text += " " + only.Rules[only.Position(ref)].ID
				}
			}
			got = append(got, text)
		}
		for _, i := range rs.Using(rs.Find(c.asked)) {
			using = append(using, rs.Rules[i].ID)
		}
		if fmt.Sprint(got) != c.want || fmt.Sprint(only.Wanted) != c.wanted || fmt.Sprint(using) != c.using || only.Set.Len() != only.correlations {
			t.Errorf("%s: %v, wanted %v, using %v", c.asked, got, only.Wanted, using)
		}
	}
	if rs.Rules[rs.Find("b")].Off == "" || !rs.Rules[rs.Find("a")].Silent {
		t.Error("the ruleset itself has changed")
	}
}
