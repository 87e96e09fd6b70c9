package generate

import "strconv"

// insight is what CloudTrail Insights noticed: a rate of calls or of errors far off its baseline.
type insight struct {
	state, service, operation, errorCode, arn, agent string
	shared                                           uint64 // the same for start and end
	minutes                                          int64
	rate                                             string // calls a minute while it lasted
}

// stageInsights stages two Insights of the attacks, half an hour after the fact, as they come.
func (p *plot) stageInsights() {
	dev := p.org.account("dev").lane("eu-central-1")
	prod := p.org.account("prod").lane("eu-central-1")
	miner := p.org.user(dev.account, dev.pools[poolUser][0])
	thief := p.org.assume(prod, prod.pools[poolRole][1], "", prod.pools[poolInstance][1], 6*hour)
	p.stageInsight(dev, p.at(2, 23, 14), insight{service: "ec2", operation: "RunInstances", errorCode: "Client.VcpuLimitExceeded", arn: miner.arn, agent: attackerShell, minutes: 5, rate: "1.6"})
	p.stageInsight(prod, p.at(3, 2, 0), insight{service: "secretsmanager", operation: "GetSecretValue", arn: thief.arn, agent: attackerShell, minutes: 2, rate: "24.5"})
}

func (p *plot) stageInsight(l *lane, at int64, what insight) {
	what.shared = mix(p.seed, hashText("insight"), uint64(at))
	for _, state := range []string{"Start", "End"} {
		what.state = state
		when := at
		if state == "End" {
			when += what.minutes * 60
		}
		c := call{lane: l, time: when, seed: mix(p.seed, uint64(len(p.scenes)))}
		one := what
		p.scenes = append(p.scenes, scene{call: c, delay: 6, apart: &one})
	}
}

func (n *insight) folder() string { return "CloudTrail-Insight" }

// record appends the Insights event: it has no userIdentity, eventName or source of its own.
func (n *insight) record(b []byte, c *call) []byte {
	quoted := func(key, value string) {
		b = append(b, ',', '"')
		b = append(append(append(b, key...), `":"`...), value...)
		b = append(b, '"')
	}
	b = append(b, `{"eventVersion":"1.11","eventTime":"`...)
	b = append(appendTime(b, c.time), '"')
	quoted("awsRegion", c.lane.region)
	b = append(b, `,"eventID":"`...)
	b = append(c.eventID(b), '"')
	quoted("eventType", "AwsCloudTrailInsight")
	quoted("recipientAccountId", c.lane.account.id)
	quoted("sharedEventID", string(appendUUID(nil, n.shared)))
	b = append(b, `,"insightDetails":{"state":"`...)
	b = append(append(b, n.state...), '"')
	quoted("eventSource", n.service+".amazonaws.com")
	quoted("eventName", n.operation)
	kind := "ApiCallRateInsight"
	if n.errorCode != "" {
		kind = "ApiErrorRateInsight"
		quoted("errorCode", n.errorCode)
	}
	quoted("insightType", kind)
	b = append(b, `,"insightContext":{"statistics":{"baseline":{"average":0.0031},"insight":{"average":`...)
	b = append(b, n.rate...)
	b = append(b, `},"insightDuration":`...)
	b = strconv.AppendInt(b, n.minutes, 10)
	b = append(b, `,"baselineDuration":11520},"attributions":[`...)
	for i, of := range [][2]string{{"userIdentityArn", n.arn}, {"userAgent", n.agent}, {"errorCode", n.errorCode}} {
		value := of[1]
		if value == "" {
			value = "null"
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"attribute":"`...)
		b = append(b, of[0]...)
		b = append(b, `","insight":[{"value":"`...)
		b = append(b, value...)
		b = append(b, `","average":`...)
		b = append(b, n.rate...)
		b = append(b, `}],"baseline":[]}`...)
	}
	return append(b, `]}},"eventCategory":"Insight"}`...)
}
