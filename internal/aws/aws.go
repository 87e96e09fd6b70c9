// Package aws reaches AWS: credentials, roles and regions for the clients of S3, SQS and
// other services, and words for AWS's refusals. No other package loads the SDK's
// configuration for a source.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"bluetrail/internal/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Access is how a service of AWS is reached.
type Access = config.Access

const (
	// attempts is how often a request is sent until it succeeds, with pauses that double
	// up to maxPause; SlowDown and other throttling count, too.
	attempts = 6
	maxPause = 20 * time.Second
	// answerTime is how long the first byte of an answer may take. Long polling of SQS
	// takes 20 seconds.
	answerTime = time.Minute
	// dialTime is how long a connection may take to be made. Where a firewall drops
	// packets, all attempts together take half a minute then.
	dialTime = 4 * time.Second
	// connections is how many requests of one client may be under way to one host
	// without opening a connection for each.
	connections = 64
)

// Client makes the clients of AWS's services. It is safe for concurrent use.
type Client struct {
	access Access
	config aws.Config

	mu sync.Mutex
	s3 map[string]*s3.Client // by region
}

// New loads the SDK's configuration and sets up the role to assume. It sends no
// request, except where the SDK asks the machine for its region.
func New(ctx context.Context, a Access) (*Client, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	o := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = attempts, maxPause
				o.RateLimiter = unlimited{}
			})
		}),
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = answerTime
			t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*connections, connections
		}).WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime })),
		awsconfig.WithAppID("bluetrail"),
		awsconfig.WithLogger(logging.Nop{}), // errors are returned; the SDK's warnings would go to stderr
	}
	if a.Region != "" {
		o = append(o, awsconfig.WithRegion(a.Region))
	}
	if a.Profile != "" {
		o = append(o, awsconfig.WithSharedConfigProfile(a.Profile))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, o...)
	var missing awsconfig.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing):
		return nil, fmt.Errorf("there is no profile %q in the files of the AWS configuration (~/.aws/config, ~/.aws/credentials)", missing.Profile)
	case err != nil:
		return nil, fmt.Errorf("cannot set up AWS: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = a.FirstRegion()
	}
	if a.RoleARN != "" {
		cfg.Credentials = aws.NewCredentialsCache(&role{a.RoleARN, stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "bluetrail"
			if a.ExternalID != "" {
				o.ExternalID = &a.ExternalID
			}
		})})
	}
	return &Client{access: a, config: cfg, s3: map[string]*s3.Client{}}, nil
}

// unlimited is no limit on retries beyond those of each request: while S3 answers
// SlowDown to all requests, each of them goes on waiting rather than failing at once.
type unlimited struct{}

// GetToken implements retry.RateLimiter.
func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}

// AddTokens implements retry.RateLimiter.
func (unlimited) AddTokens(uint) error { return nil }

// Access returns what the client was made from.
func (c *Client) Access() Access { return c.access }

// Config returns the SDK's configuration, for clients of other services. The endpoint
// of Access is not part of it.
func (c *Client) Config() aws.Config { return c.config.Copy() }

// Region returns the region that requests go to.
func (c *Client) Region() string { return c.config.Region }

// S3 returns a client of S3 in the client's region.
func (c *Client) S3() *s3.Client { return c.S3In(c.config.Region) }

// S3In returns a client of S3 in a region.
func (c *Client) S3In(region string) *s3.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.s3[region]; client != nil {
		return client
	}
	client := s3.NewFromConfig(c.config, func(o *s3.Options) {
		o.Region, o.UsePathStyle = region, c.access.PathStyle
		o.BaseEndpoint = c.endpoint(o.BaseEndpoint)
		if c.access.RequesterPays {
			o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("X-Amz-Request-Payer", "requester"))
		}
		// Objects without a checksum are normal; the caller compares what it can.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	c.s3[region] = client
	return client
}

// SQS returns a client of SQS in the client's region.
func (c *Client) SQS() *sqs.Client {
	return sqs.NewFromConfig(c.config, func(o *sqs.Options) { o.BaseEndpoint = c.endpoint(o.BaseEndpoint) })
}

// endpoint returns the endpoint of a service: Access's, else the one that the SDK's own
// configuration names.
func (c *Client) endpoint(own *string) *string {
	if c.access.Endpoint != "" {
		return &c.access.Endpoint
	}
	return own
}
