<#import "template.ftl" as layout>
<#import "field.ftl" as field>
<@layout.registrationLayout displayMessage=!messagesPerField.existsError('totp','userLabel'); section>
    <#if section = "header">
        ${msg("loginTotpTitle")}
    <#elseif section = "form">
        <p>${msg("totpLead")}</p>
        <ol id="kc-totp-settings" class="stack">
            <li>
                <p>${msg("loginTotpStep1")}</p>
                <ul id="kc-totp-supported-apps"><#list totp.supportedApplications as app><li>${msg(app)}</li></#list></ul>
            </li>
            <#if mode?? && mode = "manual">
            <li>
                <p>${msg("loginTotpManualStep2")}</p>
                <p><code id="kc-totp-secret-key">${totp.totpSecretEncoded}</code></p>
                <p><a href="${totp.qrUrl}" id="mode-barcode">${msg("loginTotpScanBarcode")}</a></p>
            </li>
            <#else>
            <li>
                <p>${msg("loginTotpStep2")}</p>
                <p><img id="kc-totp-secret-qr-code" src="data:image/png;base64, ${totp.totpSecretQrCode}" alt="${msg("totpPicture")}"></p>
                <p><a href="${totp.manualUrl}" id="mode-manual">${msg("loginTotpUnableToScan")}</a></p>
            </li>
            </#if>
            <li><p>${msg("loginTotpStep3")}</p></li>
        </ol>
        <form action="${url.loginAction}" class="form" id="kc-totp-settings-form" method="post" novalidate>
            <@field.input name="totp" label=msg("authenticatorCode") autocomplete="one-time-code" />
            <@field.input name="userLabel" label=msg("loginTotpDeviceName") hint=msg("loginTotpStep3DeviceName") />
            <input type="hidden" name="totpSecret" value="${totp.totpSecret}">
            <#if mode??><input type="hidden" name="mode" value="${mode}"></#if>
            <p class="button-row">
                <button type="submit" class="button" id="saveTOTPBtn">${msg("doSave")}</button>
                <#if isAppInitiatedAction??><button type="submit" class="button button--secondary" id="cancelTOTPBtn" name="cancel-aia" value="true">${msg("doCancel")}</button></#if>
            </p>
        </form>
    </#if>
</@layout.registrationLayout>
