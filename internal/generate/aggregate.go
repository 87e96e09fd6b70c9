package generate

import "strconv"

// aggregate is a sum of the data events of five minutes, as a trail that asks for
// sums gets it. It has no caller, name or time of its own.
type aggregate struct {
	service, template, dimension, detail string
	names, details                       []string
}

// stageSums stages sums of what S3 did in prod, at most limit of them.
func (p *plot) stageSums(limit int) {
	l := p.org.account("prod").lane("eu-central-1")
	buckets := l.pools[poolBucket]
	templates := []aggregate{
		{template: "API_ACTIVITY", dimension: "eventName", detail: "resourceARN", names: []string{"GetObject", "PutObject", "HeadObject"}, details: []string{"arn:aws:s3:::" + buckets[0], "arn:aws:s3:::" + buckets[1]}},
		{template: "RESOURCE_ACCESS", dimension: "resourceARN", detail: "eventName", names: []string{"arn:aws:s3:::" + buckets[0], "arn:aws:s3:::" + buckets[1]}, details: []string{"GetObject", "ListObjects"}},
		{template: "USER_ACTIONS", dimension: "userIdentity.arn", detail: "eventName", names: []string{l.crews[crewMachines].actors[0].arn, l.crews[crewMachines].actors[1].arn}, details: []string{"GetObject", "PutObject"}},
	}
	for before := int64(1); before < 7; before++ {
		for i := range templates {
			if limit--; limit < 0 && before > 1 {
				return
			}
			one := templates[i]
			one.service = "s3"
			c := call{lane: l, time: p.at(before, 10, int64(i)*5), seed: mix(p.seed, uint64(len(p.scenes)))}
			p.scenes = append(p.scenes, scene{call: c, delay: 1, apart: &one})
		}
	}
}

func (a *aggregate) folder() string { return "CloudTrail-Aggregated" }

func (a *aggregate) record(b []byte, c *call) []byte {
	text := func(before, value string) { b = append(append(append(b, before...), value...), '"') }
	text(`{"eventVersion":"1.0","accountId":"`, c.lane.account.id)
	text(`,"eventId":"`, string(c.eventID(nil)))
	text(`,"eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"`, c.lane.region)
	text(`,"eventSource":"`, a.service+".amazonaws.com")
	text(`,"timeWindow":{"windowStart":"`, string(appendTime(nil, c.time)))
	text(`,"windowEnd":"`, string(appendTime(nil, c.time+slot)))
	text(`,"windowSize":"PT5M"},"summary":{"aggregationTemplate":"`, a.template)
	b = append(b, `,"primaryDimension":`...)
	b = appendStatistics(b, a.dimension, a.names, c.seed)
	b = append(b, `,"details":[`...)
	b = appendStatistics(b, a.detail, a.details, scramble(c.seed))
	return append(b, `]}}`...)
}

// appendStatistics appends how often each name of a dimension was seen.
func appendStatistics(b []byte, dimension string, names []string, h uint64) []byte {
	b = append(append(append(b, `{"dimension":"`...), dimension...), `","statistics":[`...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"name":"`...), name...), `","value":`...)
		b = strconv.AppendUint(b, within(mix(h, uint64(i)), 900)+20, 10)
		b = append(b, '}')
	}
	return append(b, `],"aggregationType":"Count"}`...)
}
