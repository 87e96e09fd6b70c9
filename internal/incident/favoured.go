package incident

import "strings"

// favoured are calls that attackers favour, by name, with a word on why and how
// much they weigh. The selection follows public reports of incidents.
var favoured = map[string]struct {
	why    string
	weight int
}{
	"CreateUser": {"makes a new way in", 5}, "CreateLoginProfile": {"gives a user a console password", 5}, "UpdateLoginProfile": {"changes a console password", 5},
	"CreateAccessKey": {"makes a long-lived key", 5}, "AttachUserPolicy": {"grants rights", 5}, "AttachRolePolicy": {"grants rights", 4}, "AttachGroupPolicy": {"grants rights", 4},
	"PutUserPolicy": {"grants rights", 5}, "PutRolePolicy": {"grants rights", 4}, "PutGroupPolicy": {"grants rights", 4}, "AddUserToGroup": {"grants rights", 4},
	"CreatePolicyVersion": {"changes a policy", 4}, "SetDefaultPolicyVersion": {"changes a policy", 4}, "UpdateAssumeRolePolicy": {"opens a role to others", 5},
	"CreateRole": {"makes a role", 2}, "CreateServiceSpecificCredential": {"makes a long-lived API key", 5}, "DeactivateMFADevice": {"removes a second factor", 5}, "CreateVirtualMFADevice": {"adds a second factor", 2},
	"GetFederationToken": {"makes a session that survives deleting the key", 4}, "GetSigninToken": {"opens the console from keys", 3}, "AssumeRoot": {"acts as root of a member account", 6},
	"CreateOpenIDConnectProvider": {"trusts a new identity provider", 5}, "CreateSAMLProvider": {"trusts a new identity provider", 5}, "UpdateSAMLProvider": {"trusts a new identity provider", 5},
	"CreateTrustAnchor": {"trusts certificates for roles", 5}, "AddClientIDToOpenIDConnectProvider": {"trusts more of an identity provider", 4}, "CreateOAuth2Token": {"grants a sign-in session", 1},
	"CreateAccountAssignment": {"gives access to an account", 4}, "CreatePermissionSet": {"makes a permission set", 3}, "PutInlinePolicyToPermissionSet": {"grants rights", 4}, "AttachManagedPolicyToPermissionSet": {"grants rights", 4},
	"StopLogging": {"blinds the trail", 8}, "DeleteTrail": {"blinds the trail", 8}, "UpdateTrail": {"may blind the trail", 4}, "PutEventSelectors": {"may blind the trail", 6},
	"DeleteFlowLogs": {"blinds network logs", 7}, "DeleteDetector": {"blinds GuardDuty", 8}, "UpdateDetector": {"may blind GuardDuty", 4}, "StopConfigurationRecorder": {"blinds Config", 7},
	"DeleteConfigurationRecorder": {"blinds Config", 7}, "DeleteModelInvocationLoggingConfiguration": {"blinds Bedrock's log", 7}, "LeaveOrganization": {"escapes the organization's controls", 8}, "RegisterDelegatedAdministrator": {"hands the organization's controls to an account", 6}, "CloseAccount": {"closes an account", 8},
	"RunInstances": {"starts machines, also for mining", 2}, "ModifyInstanceAttribute": {"may change user data", 3}, "GetPasswordData": {"reads Windows passwords", 5}, "SendSSHPublicKey": {"logs in to an instance", 4},
	"SendSerialConsoleSSHPublicKey": {"logs in to an instance", 5}, "EnableSerialConsoleAccess": {"opens serial consoles", 5}, "StartSession": {"opens a shell on an instance", 3}, "SendCommand": {"runs commands on instances", 4},
	"AuthorizeSecurityGroupIngress": {"opens the network", 4}, "CreateNetworkAclEntry": {"may open the network", 3}, "ReplaceNetworkAclEntry": {"may open the network", 3}, "ModifySnapshotAttribute": {"shares a snapshot", 6}, "ModifyImageAttribute": {"shares an image", 6}, "ModifyDBSnapshotAttribute": {"shares a database snapshot", 6},
	"DeleteSnapshot": {"destroys backups", 4}, "DeleteDBSnapshot": {"destroys backups", 5}, "DeleteRecoveryPoint": {"destroys backups", 6}, "DeleteBackupVault": {"destroys backups", 6}, "DeregisterImage": {"destroys images", 3},
	"PutBucketPolicy": {"may open a bucket", 4}, "PutBucketAcl": {"may open a bucket", 4}, "PutObjectAcl": {"may open an object", 3}, "DeleteBucketPublicAccessBlock": {"may open a bucket", 5}, "PutBucketPublicAccessBlock": {"may open a bucket", 3},
	"DeletePublicAccessBlock": {"may open a bucket", 5}, "PutBucketVersioning": {"may switch off versions", 3}, "PutBucketLifecycle": {"may delete objects", 3},
	"GetSecretValue": {"reads secrets", 2}, "BatchGetSecretValue": {"reads secrets", 3}, "ScheduleKeyDeletion": {"destroys a key", 6}, "DeleteImportedKeyMaterial": {"makes a key useless", 6}, "PutKeyPolicy": {"may open a key", 4}, "ImportKeyMaterial": {"takes over a key", 5}, "DisableKey": {"disables a key", 4},
	"GetCallerIdentity": {"asks whose key this is", 2}, "GetAccountAuthorizationDetails": {"lists all rights", 4}, "ListUsers": {"looks around", 1}, "ListBuckets": {"looks around", 1},
	"GetSendQuota": {"looks for a way to send mail", 4}, "ListIdentities": {"looks for a way to send mail", 3}, "UpdateAccountSendingEnabled": {"enables sending mail", 5},
	"InvokeModel": {"uses models at the account's cost", 2}, "InvokeModelWithResponseStream": {"uses models at the account's cost", 2}, "Converse": {"uses models at the account's cost", 2}, "ConverseStream": {"uses models at the account's cost", 2},
	"PutUseCaseForModelAccess": {"asks for models", 5}, "CreateFoundationModelAgreement": {"buys models", 5},
	"CreateFunction": {"runs code", 2}, "UpdateFunctionCode": {"changes code", 4}, "AddPermission": {"opens a function", 4}, "CreateFunctionUrlConfig": {"opens a function", 5},
	"ConsoleLogin": {"signs in to the console", 1}, "CreateEnvironment": {"opens CloudShell", 1}, "CreateAccessEntry": {"gives access to a cluster", 4}, "AssociateAccessPolicy": {"gives access to a cluster", 4},
	"PasswordRecoveryRequested": {"resets a password", 6}, "CreateKeyPair": {"makes a login key", 3}, "ImportKeyPair": {"brings a login key", 3},
}

// baseName drops the API version that some names end in, as in
// UpdateFunctionCode20150331v2.
func baseName(name string) string {
	if i := strings.IndexAny(name, "0123456789"); i > 0 && len(name)-i >= 8 {
		return name[:i]
	}
	return name
}

// Why returns a word on why attackers favour a call, "" = they do not.
func Why(eventName string) string { return favoured[baseName(eventName)].why }
