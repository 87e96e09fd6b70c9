package event

import (
	"strings"
	"testing"
)

// TestSharedWith reads grants in the shapes in which services record them.
func TestSharedWith(t *testing.T) {
	for params, want := range map[string]string{
		`{"launchPermission":{"add":{"items":[{"userId":"444455556666"},{"group":"all"},{"userId":"111122223333"}]}}}`:                                                    "* 444455556666",
		`{"launchPermission":{"remove":{"items":[{"userId":"444455556666"}]}}}`:                                                                                           "",
		`{"attributeName":"restore","valuesToAdd":["all"]}`:                                                                                                               "*",
		`{"accountIdsToAdd":["444455556666"],"accountIdsToRemove":["777788889999"]}`:                                                                                      "444455556666",
		`{"principal":"*","functionName":"f"}`:                                                                                                                            "*",
		`{"principal":"*","principalOrgID":"o-1"}`:                                                                                                                        "",
		`{"principal":"*","functionUrlAuthType":"AWS_IAM"}`:                                                                                                               "",
		`{"principal":"s3.amazonaws.com"}`:                                                                                                                                "",
		`{"principal":"arn:aws:iam::444455556666:root","sourceArn":"x"}`:                                                                                                  "444455556666",
		`{"bucketPolicy":{"Statement":{"Effect":"Allow","Principal":{"AWS":["*","arn:aws:iam::444455556666:role/x"]}}}}`:                                                  "* 444455556666",
		`{"bucketPolicy":{"Statement":[{"Effect":"Deny","Principal":"*"}]}}`:                                                                                              "",
		`{"bucketPolicy":{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"}}]}}`:                                                                       "*",
		`{"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"true\"}}}]}"}`:                 "*",
		`{"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Condition\":{\"StringEquals\":{\"kms:CallerAccount\":\"111122223333\"}}}]}"}`:   "",
		`{"policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`:                                                               "",
		`{"assumeRolePolicyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws-us-gov:iam::444455556666:user/x\",\"Service\":\"ec2\"}}]}"}`: "444455556666",
		`{"policy":"{\"Statement\": broken"}`:                                                                                                                             "",
		`null`:                                                                                                                                                            "",
	} {
		x := NewExtractor([]string{"shared_with"})
		row := x.NewRow()
		if err := x.Extract([]byte(`{"eventName":"X","recipientAccountId":"111122223333","requestParameters":`+params+`}`), &Meta{Sourcetype: CloudTrail}, row); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(row.Cell(0).values(), " "); got != want {
			t.Errorf("%s: %q, want %q", params, got, want)
		}
	}
}
