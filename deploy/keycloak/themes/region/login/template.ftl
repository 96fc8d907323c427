<#-- The frame of every page: name of the region, languages as links, one column. -->
<#macro registrationLayout bodyClass="" displayInfo=false displayMessage=true displayRequiredFields=false>
<!DOCTYPE html>
<html class="${properties.kcHtmlClass!}" lang="${lang}"<#if realm.internationalizationEnabled> dir="${(locale.rtl)?then('rtl','ltr')}"</#if>>
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex, nofollow">
    <title><#nested "header"> | ${msg("regionName")}</title>
    <link rel="icon" href="data:,">
    <#list properties.styles?split(' ') as style>
    <link rel="stylesheet" href="${url.resourcesPath}/${style}">
    </#list>
    <script type="importmap">{"imports": {"rfc4648": "${url.resourcesCommonPath}/vendor/rfc4648/rfc4648.js"}}</script>
    <#if scripts??>
    <#list scripts as script>
    <script src="${script}"></script>
    </#list>
    </#if>
    <script type="module" src="${url.resourcesPath}/js/passwordVisibility.js"></script>
    <script type="module">
        <#outputformat "JavaScript">
        import { startSessionPolling } from ${(url.resourcesPath + "/js/authChecker.js")?c};
        startSessionPolling(${url.ssoLoginInOtherTabsUrl?c});
        </#outputformat>
    </script>
    <#if authenticationSession??>
    <script type="module">
        <#outputformat "JavaScript">
        import { checkAuthSession } from ${(url.resourcesPath + "/js/authChecker.js")?c};
        checkAuthSession(${authenticationSession.authSessionIdHash?c});
        </#outputformat>
    </script>
    </#if>
</head>
<body data-page-id="login-${pageId}">
<header class="site-header">
    <p class="site-header__name">${msg("regionName")} <span class="site-header__part">${msg("regionPart")}</span></p>
    <#if realm.internationalizationEnabled && locale.supported?size gt 1>
    <nav class="site-header__languages" aria-label="${msg("languages")}">
        <ul>
            <#list locale.supported?sort_by("languageTag")?reverse as l>
            <li><#if l.languageTag == locale.currentLanguageTag><span aria-current="true" lang="${l.languageTag}">${l.label}</span><#else><a href="${l.url}" lang="${l.languageTag}" hreflang="${l.languageTag}">${l.label}</a></#if></li>
            </#list>
        </ul>
    </nav>
    </#if>
</header>
<main class="page">
    <h1 id="kc-page-title"><#nested "header"></h1>
    <#if auth?has_content && auth.showUsername() && !auth.showResetCredentials()>
    <div class="who">
        <#nested "show-username">
        <p><span class="muted">${msg("signedInAs")}</span> <span id="kc-attempted-username">${(user.email)!auth.attemptedUsername}</span></p>
        <p><a id="reset-login" href="${url.loginRestartFlowUrl}">${msg("restartLoginTooltip")}</a></p>
    </div>
    </#if>
    <#-- A warning that only says what the page itself says is left out where somebody came for it. -->
    <#if displayMessage && message?has_content && (message.type != 'warning' || !isAppInitiatedAction??)>
    <div class="notice notice--${message.type}"<#if message.type = 'error'> role="alert"<#else> role="status"</#if>>
        <p>${message.summary}</p>
    </div>
    </#if>
    <#nested "form">
    <#if auth?has_content && auth.showTryAnotherWayLink()>
    <form id="kc-select-try-another-way-form" action="${url.loginAction}" method="post">
        <input type="hidden" name="tryAnotherWay" value="on">
        <button type="submit" id="try-another-way" class="button button--secondary">${msg("doTryAnotherWay")}</button>
    </form>
    </#if>
    <#nested "socialProviders">
    <#if displayInfo>
    <div id="kc-info" class="info"><#nested "info"></div>
    </#if>
</main>
</body>
</html>
</#macro>
