package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/config"
)

// sharedFiles returns where the shared config and credentials files are. AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE
// say where files stand, not what they hold, so they count for configured profiles too.
func sharedFiles() (configFile, credentialsFile string) {
	return orDefault(os.Getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename()),
		orDefault(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename())
}

func loadProfile(name string) (config.SharedConfig, error) {
	configFile, credentialsFile := sharedFiles()
	return config.LoadSharedConfigProfile(context.Background(), orDefault(name, "default"),
		func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{configFile}, []string{credentialsFile}
		})
}

// checkProfile reads a profile and returns an error if every use of it would fail. With explicit set, a profile without
// credentials is an error too: the SDK would go on to the container's or the instance's role, which is not configured.
func checkProfile(name string, explicit bool) (config.SharedConfig, error) {
	shared, err := loadProfile(name)
	if err != nil {
		return shared, profileError(name, err)
	}
	for p := &shared; p != nil; p = p.Source {
		if p.MFASerial != "" {
			return shared, fmt.Errorf("profile %s asks for an MFA code (mfa_serial), which a server cannot enter; use a role without MFA, or SSO", p.Profile)
		}
	}
	if explicit && !holdsCredentials(&shared) {
		return shared, fmt.Errorf(`profile %s holds no credentials: no keys, role, SSO or credential_process; run "aws configure --profile %s"`, name, name)
	}
	if explicit && shared.LoginSession != "" && environmentEndpoint("Signin") != "" {
		// The SDK has no option for this one client's endpoint.
		return shared, fmt.Errorf("profile %s signs in by login_session, which AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SIGNIN would send to another host; unset it for Caddy", name)
	}
	return shared, nil
}

func holdsCredentials(c *config.SharedConfig) bool {
	return c.Credentials.HasKeys() || c.RoleARN != "" || c.CredentialProcess != "" || c.SSOAccountID != "" ||
		c.LoginSession != "" || c.WebIdentityTokenFile != ""
}

// profileError returns the error for a profile that cannot be loaded, in the AWS CLI's words, with the files' names: the
// usual reason is that Caddy runs as another user, with another home.
func profileError(name string, err error) error {
	configFile, credentialsFile := sharedFiles()
	missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err)
	if !ok {
		return fmt.Errorf("profile %s cannot be used: %w", name, err)
	}
	name = orDefault(missing.Profile, name) // it may be the source_profile of the one asked for
	return fmt.Errorf(`the config profile (%s) could not be found in %s or %s; run "aws configure --profile %s" as the user that Caddy runs as, or set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE`,
		name, filepath.Clean(configFile), filepath.Clean(credentialsFile), name)
}
