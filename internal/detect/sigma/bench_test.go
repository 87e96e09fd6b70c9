package sigma

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// upstreamRules returns rules of the kinds that public collections for CloudTrail have:
// most name an eventName out of some four hundred, few are always tried.
func upstreamRules(n int) string {
	g := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range n {
		name, source := fmt.Sprintf("Create%s%d", []string{"Thing", "Role", "Policy", "User"}[g.IntN(4)], i%430), fmt.Sprintf("service%d.amazonaws.com", g.IntN(60))
		fmt.Fprintf(&b, "---\ntitle: Rule %d\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n", i)
		// Of a collection of 57 or of 795 rules, a dozen rules are always tried.
		if i%500 == 7 {
			fmt.Fprintf(&b, "  s: {userIdentity.type: Root%d, errorCode|contains: Denied}\n  condition: s\n", i)
			continue
		}
		switch i % 10 {
		case 0:
			fmt.Fprintf(&b, "  s: {eventSource: %s, eventName|startswith: %s}\n  condition: s\n", source, name)
		case 1:
			fmt.Fprintf(&b, "  s: {eventSource: %s, eventName: [%s, %sX]}\n  f: {userIdentity.arn|contains: automation%d}\n  condition: s and not f\n", source, name, name, i)
		default:
			fmt.Fprintf(&b, "  s: {eventSource: %s, eventName: %s, requestParameters.field%d|exists: true}\n  ok: {errorCode: null}\n  condition: s and ok\n", source, name, i%300)
		}
	}
	// Rules that have candidates among the benchmark's records.
	for i, name := range []string{"GetObject", "AssumeRole", "DescribeInstances", "PutObject"} {
		fmt.Fprintf(&b, "---\ntitle: Common %d\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {eventName: %s, userIdentity.sessionContext.sessionIssuer.userName: nobody, requestParameters.key|endswith: .pem}\n  condition: s\n", i, name)
	}
	return b.String()
}

type benchEvent struct {
	raw          []byte
	source, name string
}

func benchEvents() []benchEvent {
	g := rand.New(rand.NewPCG(3, 4))
	names := []string{"GetObject", "AssumeRole", "DescribeInstances", "PutObject", "ListBuckets", "GetCallerIdentity", "DescribeVolumes", "Decrypt", "GetParameter", "ListRoles"}
	var out []benchEvent
	for i := range 512 {
		name := names[g.IntN(len(names))]
		if i%20 == 0 {
			name = fmt.Sprintf("CreateRole%d", g.IntN(430))
		}
		source := fmt.Sprintf("service%d.amazonaws.com", g.IntN(60))
		raw := fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:session%d","arn":"arn:aws:sts::111122223333:assumed-role/app/session%d","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%d","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","userName":"app"},"attributes":{"creationDate":"2026-01-05T10:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-01-05T10:%02d:00Z","eventSource":%q,"eventName":%q,"awsRegion":"eu-central-1","sourceIPAddress":"198.51.100.%d","userAgent":"Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux#6.1 lang/python#3.12","requestParameters":{"bucketName":"data","Host":"data.s3.eu-central-1.amazonaws.com","key":"in/%d.json"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"x-amz-id-2":"abcdefghijklmnop"},"requestID":"R%d","eventID":"6a1f0c7e-0000-4000-8000-%012d","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::data/in/%d.json"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"data.s3.eu-central-1.amazonaws.com"}}`,
			i, i, i, i%60, source, name, i%250, i, i, i, i)
		out = append(out, benchEvent{[]byte(raw), source, name})
	}
	return out
}

// BenchmarkSet is the cost of an event under 100 and under 5,000 rules, and their
// ratio. Both take turns, and the best turn of each counts, so that a busy machine
// disturbs them little.
func BenchmarkSet(b *testing.B) {
	events := benchEvents()
	sizes := []int{100, 5000}
	var best [2]time.Duration
	var evaluators [2]*Evaluator
	for k, n := range sizes {
		evaluators[k] = NewSet(load(b, nil, upstreamRules(n)).Rules).NewEvaluator()
	}
	b.ReportAllocs()
	for b.Loop() {
		for k, e := range evaluators {
			start := time.Now()
			for i := range events {
				e.Evaluate(events[i].raw, events[i].source, events[i].name, func(int) {})
			}
			if d := time.Since(start); best[k] == 0 || d < best[k] {
				best[k] = d
			}
		}
	}
	for k, n := range sizes {
		b.ReportMetric(float64(best[k].Nanoseconds())/float64(len(events)), fmt.Sprintf("ns/event-%d", n))
	}
	b.ReportMetric(float64(best[1])/float64(best[0]), "ratio")
}

// TestEvaluateAllocates: the usual event costs no memory, even if rules ask for its
// fields.
func TestEvaluateAllocates(t *testing.T) {
	c := load(t, nil, upstreamRules(300))
	e := NewSet(c.Rules).NewEvaluator()
	events := benchEvents()
	run := func() {
		for i := range events {
			e.Evaluate(events[i].raw, events[i].source, events[i].name, func(int) {})
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 1 {
		t.Errorf("%.1f allocations in %d events", n, len(events))
	}
}

// TestIndexIsSelective: of many rules, an event tries few.
func TestIndexIsSelective(t *testing.T) {
	c := load(t, nil, upstreamRules(3000))
	set := NewSet(c.Rules)
	e := set.NewEvaluator()
	tried, events := 0, benchEvents()
	for _, ev := range events {
		e.Evaluate(ev.raw, ev.source, ev.name, func(int) {})
		for _, turn := range e.tried {
			if turn == e.turn {
				tried++
			}
		}
	}
	if per := float64(tried) / float64(len(events)); per > 12 {
		t.Errorf("%.1f of %d rules are tried on an event", per, set.Len())
	}
}
