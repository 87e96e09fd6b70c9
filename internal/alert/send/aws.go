package send

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
)

// credentials loads the SDK's own configuration: environment, profiles, roles of
// containers and instances. The outbox retries; the SDK does not.
func credentials(ctx context.Context, region string) (aws.Config, error) {
	return awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region), awsconfig.WithRetryMaxAttempts(1))
}

// endpoint returns the endpoint of an output for a client's options.
func endpoint(o *Output) *string {
	if o.Endpoint == "" {
		return nil
	}
	return aws.String(o.Endpoint)
}

// answered turns an error of AWS into one that says whether the message is to blame.
func answered(err error) error {
	var e interface {
		error
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &e) {
		return err
	}
	code := e.ErrorCode()
	return &Failure{Reason: code + ": " + e.ErrorMessage(), Final: strings.HasPrefix(code, "InvalidParameter") || code == "InvalidInput" || code == "InvalidInputException"}
}
