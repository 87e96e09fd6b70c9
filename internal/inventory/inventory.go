// Package inventory asks AWS which instances, interfaces, subnets, security groups and
// network ACLs there are, in the shape of `aws ec2 describe-…`, for package exposure. It
// asks EC2 of each region, or an aggregator of AWS Config for a whole organization.
package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Target is an account and a region to ask.
type Target struct {
	Region     string
	Role       string // to assume; "" = none
	ExternalID string // for Role
	Aggregator string // of AWS Config in the region, to ask instead of EC2; "" = EC2
	Endpoint   string // to ask instead of AWS's own; "" = AWS's
}

// String names the target in messages.
func (t *Target) String() string {
	s := t.Region
	if t.Aggregator != "" {
		s = "aggregator " + t.Aggregator + " in " + s
	}
	if t.Role != "" {
		s += " as " + t.Role
	}
	return s
}

// account returns the account of the role, "" if there is none.
func (t *Target) account() string {
	if parts := strings.Split(t.Role, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// Page is a part of what AWS answered.
type Page struct {
	At      time.Time `json:"at"` // as of when it is right
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region"`
	Doc     []byte    `json:"doc"` // JSON as `aws ec2 describe-…` prints it
}

// Client asks AWS. It is safe for concurrent use; the zero Client is ready.
type Client struct {
	http http.Client
	pace pace
	wait func(context.Context, time.Duration) error // between tries; nil = by the clock
}

// describes are the calls of EC2, each of which needs the permission of its name.
var describes = []struct {
	name  string
	pages bool // it takes MaxResults
}{
	{"DescribeInstances", true}, {"DescribeSecurityGroups", true}, {"DescribeNetworkAcls", true}, {"DescribeSubnets", true}, {"DescribeNetworkInterfaces", true}, {"DescribeAddresses", false},
}

// Pages passes on what there is. A call that is not permitted does not stop the others:
// the error, which is made for people, joins what went wrong.
func (c *Client) Pages(ctx context.Context, t Target, add func(Page) error) error {
	q, err := c.session(ctx, &t)
	if err != nil {
		return err
	}
	if t.Aggregator != "" {
		return q.selectAll(ctx, add)
	}
	var all error
	for _, d := range describes {
		err := q.describe(ctx, d.name, d.pages, add)
		if err == nil {
			continue
		}
		all = errors.Join(all, err)
		if f := (*Fault)(nil); !errors.As(err, &f) || !f.missing() { // the others will fail likewise
			break
		}
	}
	return all
}

// session is what the calls of one target share.
type session struct {
	*Client
	Target
	keys aws.CredentialsProvider
}

func (c *Client) session(ctx context.Context, t *Target) (*session, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(t.Region))
	if err != nil {
		return nil, fmt.Errorf("cannot set up AWS: %w", err)
	}
	keys := cfg.Credentials
	if t.Role != "" {
		keys = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), t.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "bluetrail"
			if t.ExternalID != "" {
				o.ExternalID = aws.String(t.ExternalID)
			}
		}))
	}
	if _, err := keys.Retrieve(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, noKeys(t, err)
	}
	return &session{c, *t, keys}, nil
}

// noKeys says why there are no credentials.
func noKeys(t *Target, err error) error {
	var e interface {
		ErrorCode() string
		ErrorMessage() string
	}
	switch {
	case t.Role == "":
		return fmt.Errorf("there are no credentials of AWS: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run where a role is attached (%w)", err)
	case errors.As(err, &e):
		return fmt.Errorf("cannot assume %s: %s: %s", t.Role, e.ErrorCode(), e.ErrorMessage())
	}
	return fmt.Errorf("cannot assume %s: %w", t.Role, err)
}
