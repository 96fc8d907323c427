<#-- Fields of a form: the label above, what is wrong below and tied to the field. -->
<#macro group name label error="" required=false>
<div class="form__row">
    <label class="form__label" for="${name}">${label}</label>
    <#nested>
    <div id="input-error-container-${name}" aria-live="polite">
        <#if error?has_content><p class="form__error" id="input-error-${name}">${error}</p></#if>
    </div>
</div>
</#macro>

<#macro errorIcon error=""></#macro>

<#macro input name label value="" required=false autocomplete="off" fieldName=name error=messagesPerField.get(fieldName) autofocus=false type="text" hint="">
<@group name=name label=label error=error required=required>
    <#if hint?has_content><p class="form__hint" id="${name}-hint">${hint}</p></#if>
    <input id="${name}" name="${name}" value="${value}" type="${type}" autocomplete="${autocomplete}"<#if autofocus> autofocus</#if><#if autocomplete == "one-time-code"> inputmode="numeric"</#if><#if error?has_content> aria-invalid="true"</#if> aria-describedby="<#if hint?has_content>${name}-hint </#if>input-error-container-${name}">
</@group>
</#macro>

<#macro password name label value="" required=false forgotPassword=false fieldName=name error=messagesPerField.get(fieldName) autocomplete="off" autofocus=false hint="">
<@group name=name label=label error=error required=required>
    <#if hint?has_content><p class="form__hint" id="${name}-hint">${hint}</p></#if>
    <div class="form__password">
        <input id="${name}" name="${name}" value="${value}" type="password" autocomplete="${autocomplete}"<#if autofocus> autofocus</#if><#if error?has_content> aria-invalid="true"</#if> aria-describedby="<#if hint?has_content>${name}-hint </#if>input-error-container-${name}">
        <button type="button" class="button button--secondary" id="${name}-show-password" aria-controls="${name}" aria-label="${msg('showPassword')}" data-password-toggle data-icon-show="" data-icon-hide="" data-label-show="${msg('showPassword')}" data-label-hide="${msg('hidePassword')}"><i hidden></i></button>
    </div>
    <#nested>
    <#if forgotPassword><p><a href="${url.loginResetCredentialsUrl}">${msg("doForgotPassword")}</a></p></#if>
</@group>
</#macro>

<#macro checkbox name label value=false required=false>
<p class="form__check"><label><input type="checkbox" id="${name}" name="${name}"<#if value> checked</#if>> ${label}</label></p>
</#macro>
