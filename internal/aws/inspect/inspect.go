// Package inspect checks the AWS side of a source: whether bluetrail may read it, how
// its trails are set up, and who may write to its bucket and queue. It changes nothing.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"bluetrail/internal/aws"
	"bluetrail/internal/config"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithy "github.com/aws/smithy-go"
)

// State says how something is.
type State string

// States. Unknown is what this role may not see.
const (
	Fine    State = "ok"
	Advice  State = "advice"
	Problem State = "PROBLEM"
	Unknown State = "unknown"
)

// Finding is what was found about one thing.
type Finding struct {
	State State
	About string // what was looked at
	Text  string
	Fix   string // what to change, "" = nothing
}

// Source is what is checked.
type Source struct {
	Access  config.Access
	Objects config.Access // how buckets are reached; the zero value = as Access
	Buckets []string      // bucket or bucket/prefix; none = those of the trails
	Queue   string        // URL, "" = none
	// Organization says whether the accounts of the organization are to be known.
	Organization bool
}

// check is a check under way.
type check struct {
	ctx   context.Context
	c, s3 *aws.Client
	src   Source
	list  []Finding
	keys  []string // of KMS, that buckets and trails use
}

func (k *check) add(state State, about, text, fix string, args ...any) {
	k.list = append(k.list, Finding{state, about, text, fmt.Sprintf(fix, args...)})
}

// must adds fine if ok, and wrong with what to change otherwise.
func (k *check) must(ok bool, about, fine, wrong, fix string) {
	if ok {
		k.add(Fine, about, fine, "")
	} else {
		k.add(Problem, about, wrong, "%s", fix)
	}
}

// failed adds what could not be looked at. A refusal is no fault of the set-up.
func (k *check) failed(about, action string, err error) {
	if strings.Contains(code(err), "AccessDenied") {
		k.add(Unknown, about, "access is denied", "allow %s to see it; nothing else needs it", action)
		return
	}
	k.add(Problem, about, aws.Explain(err).Error(), "")
}

// Check looks at all of a source. The error is of the set-up or the context; what AWS
// refuses is among the findings.
func Check(ctx context.Context, src Source) ([]Finding, error) {
	k := &check{ctx: ctx, src: src}
	var err error
	if k.c, err = aws.New(ctx, src.Access); err != nil {
		return nil, err
	}
	if k.s3 = k.c; src.Objects != (config.Access{}) {
		if k.s3, err = aws.New(ctx, src.Objects); err != nil {
			return nil, err
		}
	}
	if !k.identity() {
		return k.list, ctx.Err()
	}
	buckets := k.trails()
	for _, b := range src.Buckets {
		if name, _, _ := strings.Cut(b, "/"); name != "*" && !slices.Contains(buckets, name) {
			buckets = append(buckets, name)
		}
	}
	slices.Sort(buckets)
	for _, b := range buckets {
		k.bucket(b)
	}
	if src.Queue != "" {
		k.queue()
	}
	slices.Sort(k.keys)
	for _, key := range slices.Compact(k.keys) {
		k.key(key)
	}
	if src.Organization {
		if _, err := k.c.Accounts(ctx); err != nil {
			k.failed("organization", "organizations:ListAccounts (from the management account or a delegated administrator)", err)
		} else {
			k.add(Fine, "organization", "its accounts can be listed", "")
		}
	}
	return k.list, ctx.Err()
}

// identity tells who asks; without credentials there is nothing more to check.
func (k *check) identity() bool {
	out, err := sts.NewFromConfig(k.c.Config(), func(o *sts.Options) {
		if e := k.src.Access.Endpoint; e != "" {
			o.BaseEndpoint = &e
		}
	}).GetCallerIdentity(k.ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		k.add(Problem, "credentials", aws.Explain(err).Error(), "")
		return false
	}
	k.add(Fine, "credentials", sdk.ToString(out.Arn), "")
	return true
}

type trail struct {
	Name, TrailARN, HomeRegion, S3BucketName, KmsKeyID         string
	IsMultiRegionTrail, LogFileValidationEnabled               bool
	IsOrganizationTrail, IncludeGlobalServiceEvents, IsLogging bool
	LatestDeliveryError                                        string
}

// trails checks the trails that write to the buckets, or all if none are named, and
// returns their buckets.
func (k *check) trails() (buckets []string) {
	var out struct {
		TrailList []trail `json:"trailList"`
	}
	if err := k.c.JSON(k.ctx, "cloudtrail", "DescribeTrails", "", map[string]any{"includeShadowTrails": true}, &out); err != nil {
		k.failed("trails", "cloudtrail:DescribeTrails", err)
		return nil
	}
	seen := 0
	for i := range out.TrailList {
		t := &out.TrailList[i]
		if len(k.src.Buckets) > 0 && !slices.ContainsFunc(k.src.Buckets, func(b string) bool {
			name, _, _ := strings.Cut(b, "/")
			return name == "*" || name == t.S3BucketName
		}) {
			continue
		}
		seen++
		k.trail(t)
		if !slices.Contains(buckets, t.S3BucketName) {
			buckets = append(buckets, t.S3BucketName)
		}
		if t.KmsKeyID != "" {
			k.keys = append(k.keys, t.KmsKeyID)
		}
	}
	if seen == 0 {
		k.add(Advice, "trails", "no trail of this account and region writes to the buckets", "if the trail is another account's, run this there, too; otherwise make one: deploy/aws")
	}
	return buckets
}

func (k *check) trail(t *trail) {
	about := "trail " + t.Name
	update := "aws cloudtrail update-trail --name " + t.TrailARN + " "
	must := func(ok bool, fine, wrong, fix string) { k.must(ok, about, fine, wrong, fix) }
	must(t.IsMultiRegionTrail, "it records all regions", "it records one region only, so whoever uses another is not seen", update+"--is-multi-region-trail")
	must(t.IncludeGlobalServiceEvents, "it records global services", "it leaves out IAM, STS and other global services", update+"--include-global-service-events")
	must(t.LogFileValidationEnabled, "log file validation is on", "log file validation is off, so nobody can prove that no file was changed", update+"--enable-log-file-validation")
	if t.KmsKeyID == "" {
		k.add(Advice, about, "its files are not encrypted with a KMS key", "%s--kms-key-id KEY", update)
	}
	if !t.IsOrganizationTrail {
		k.add(Advice, about, "it records one account", "in an organization, make it an organization trail: %s--is-organization-trail", update)
	}
	var status trail
	if err := k.c.JSON(k.ctx, "cloudtrail", "GetTrailStatus", t.HomeRegion, map[string]any{"Name": t.TrailARN}, &status); err != nil {
		k.failed(about, "cloudtrail:GetTrailStatus", err)
	} else {
		must(status.IsLogging, "it is logging", "it is not logging", "aws cloudtrail start-logging --name "+t.TrailARN)
		must(status.LatestDeliveryError == "", "its last delivery went well", "its last delivery failed: "+status.LatestDeliveryError, "look at the bucket's policy and the key's policy below")
	}
	k.selectors(t, about)
}

// selectors checks which events a trail records.
func (k *check) selectors(t *trail, about string) {
	var selectors struct {
		EventSelectors []struct {
			ReadWriteType                 string
			IncludeManagementEvents       bool
			DataResources                 []any
			ExcludeManagementEventSources []string
		}
		AdvancedEventSelectors []struct {
			FieldSelectors []struct {
				Field  string
				Equals []string
			}
		}
	}
	if err := k.c.JSON(k.ctx, "cloudtrail", "GetEventSelectors", t.HomeRegion, map[string]any{"TrailName": t.TrailARN}, &selectors); err != nil {
		k.failed(about, "cloudtrail:GetEventSelectors", err)
		return
	}
	management, data, network, narrow := false, false, false, ""
	for _, s := range selectors.EventSelectors {
		management = management || s.IncludeManagementEvents && s.ReadWriteType == "All"
		data = data || len(s.DataResources) > 0
		if s.IncludeManagementEvents && len(s.ExcludeManagementEventSources) > 0 {
			narrow = strings.Join(s.ExcludeManagementEventSources, ", ")
		}
	}
	for _, s := range selectors.AdvancedEventSelectors {
		for _, f := range s.FieldSelectors {
			if f.Field != "eventCategory" {
				continue
			}
			management = management || slices.Contains(f.Equals, "Management") && len(s.FieldSelectors) == 1
			data = data || slices.Contains(f.Equals, "Data")
			network = network || slices.Contains(f.Equals, "NetworkActivity")
		}
	}
	selector := "aws cloudtrail put-event-selectors --trail-name " + t.TrailARN + " --advanced-event-selectors …; see deploy/aws"
	k.must(management, about, "it records all management events", "it does not record all management events: reads or writes or some services are left out", selector)
	if narrow != "" {
		k.add(Advice, about, "it leaves out management events of "+narrow, "%s", selector)
	}
	if !data {
		k.add(Advice, about, "it records no data events, so reads of objects and calls of functions are not seen", "%s. They cost money for each event", selector)
	}
	if !network {
		k.add(Advice, about, "it records no network activity events, so calls that VPC endpoints refuse are not seen", "%s. They cost money for each event", selector)
	}
}

// code returns AWS's code of an error, "" if AWS did not answer.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// regionOf returns the region in an ARN, "" if there is none.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}

// queueName returns the name of a queue.
func queueName(queue string) string {
	if u, err := url.Parse(queue); err == nil {
		return path.Base(u.Path)
	}
	return queue
}
