<#import "template.ftl" as layout>
<@layout.registrationLayout; section>
    <#if section = "header">
        ${msg("webauthn-registration-title")}
    <#elseif section = "form">
        <p>${msg("passkeyLead")}</p>
        <form id="register" action="${url.loginAction}" method="post">
            <#list ["clientDataJSON", "attestationObject", "publicKeyCredentialId", "authenticatorLabel", "transports", "authenticatorAttachment", "error"] as name>
            <input type="hidden" id="${name}" name="${name}">
            </#list>
        </form>
        <script type="module">
            <#outputformat "JavaScript">
            import { registerByWebAuthn } from "${url.resourcesPath}/js/webauthnRegister.js";
            document.getElementById("registerWebAuthn").addEventListener("click", function () {
                registerByWebAuthn({
                    challenge: ${challenge?c},
                    userid: ${userid?c},
                    username: ${((user.email)!username)?c},
                    signatureAlgorithms: [<#list signatureAlgorithms as sigAlg>${sigAlg?c},</#list>],
                    rpEntityName: ${rpEntityName?c},
                    rpId: ${rpId?c},
                    attestationConveyancePreference: ${attestationConveyancePreference?c},
                    authenticatorAttachment: ${authenticatorAttachment?c},
                    requireResidentKey: ${requireResidentKey?c},
                    residentKey: ${residentKey?c},
                    userVerificationRequirement: ${userVerificationRequirement?c},
                    createTimeout: ${createTimeout?c},
                    excludeCredentialIds: ${excludeCredentialIds?c},
                    initLabel: ${msg("webauthn-registration-init-label")?c},
                    initLabelPrompt: ${msg("webauthn-registration-init-label-prompt")?c},
                    errmsg: ${msg("webauthn-unsupported-browser-text")?c}
                });
            }, { once: true });
            </#outputformat>
        </script>
        <div class="button-row">
            <button type="button" class="button" id="registerWebAuthn">${msg("doRegisterSecurityKey")}</button>
            <#if !isSetRetry?has_content && isAppInitiatedAction?has_content>
            <form action="${url.loginAction}" id="kc-webauthn-settings-form" method="post">
                <button type="submit" class="button button--secondary" id="cancelWebAuthnAIA" name="cancel-aia" value="true">${msg("doCancel")}</button>
            </form>
            </#if>
        </div>
    </#if>
</@layout.registrationLayout>
