<#import "template.ftl" as layout>
<#import "field.ftl" as field>
<@layout.registrationLayout displayMessage=!messagesPerField.existsError('totp'); section>
    <#if section = "header">
        ${msg("otpTitle")}
    <#elseif section = "form">
        <p>${msg("otpLead")}</p>
        <form id="kc-otp-login-form" class="form" action="${url.loginAction}" method="post">
            <#if otpLogin.userOtpCredentials?size gt 1>
            <fieldset class="form__row">
                <legend class="form__label">${msg("otpWhich")}</legend>
                <#list otpLogin.userOtpCredentials as one>
                <p class="form__check"><label><input type="radio" name="selectedCredentialId" value="${one.id}"<#if one.id == otpLogin.selectedCredentialId> checked</#if>> ${one.userLabel}</label></p>
                </#list>
            </fieldset>
            <#else>
            <input type="hidden" name="selectedCredentialId" value="${otpLogin.selectedCredentialId!''}">
            </#if>
            <@field.input name="otp" label=msg("loginOtpOneTime") autocomplete="one-time-code" fieldName="totp" autofocus=true />
            <p class="button-row"><button type="submit" class="button" id="kc-login">${msg("doLogIn")}</button></p>
        </form>
    </#if>
</@layout.registrationLayout>
